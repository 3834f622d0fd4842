# What every target of this tree is built with, and the helper that makes a kernel library.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LINK_DEPENDS_NO_SHARED ON)
set(TRELLIS_PLUGIN_DIR ${CMAKE_BINARY_DIR}/plugins)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

find_program(TRELLIS_MOLD mold)
if(TRELLIS_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(Boost_USE_STATIC_LIBS OFF)
find_package(Boost 1.81 REQUIRED COMPONENTS json url)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(tl-expected REQUIRED)
find_package(CLI11 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(secp256k1 REQUIRED IMPORTED_TARGET libsecp256k1)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(mnl REQUIRED IMPORTED_TARGET libmnl)
pkg_check_modules(nftables REQUIRED IMPORTED_TARGET libnftables)
pkg_check_modules(libvirt REQUIRED IMPORTED_TARGET libvirt)
pkg_check_modules(libarchive REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(snappy REQUIRED IMPORTED_TARGET snappy)
pkg_check_modules(fuse3 REQUIRED IMPORTED_TARGET fuse3)
pkg_check_modules(blkid REQUIRED IMPORTED_TARGET blkid)
pkg_check_modules(seccomp REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(capng REQUIRED IMPORTED_TARGET libcap-ng)
pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)

add_library(trellis_options INTERFACE)
target_include_directories(trellis_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(trellis_options INTERFACE BOOST_DLL_USE_STD_FS)
target_compile_options(trellis_options INTERFACE -g1)
if(TRELLIS_SANITIZE)
  target_compile_options(trellis_options INTERFACE -fsanitize=${TRELLIS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_link_options(trellis_options INTERFACE -fsanitize=${TRELLIS_SANITIZE})
  if(TRELLIS_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(trellis_options INTERFACE -Wno-tsan)  # fences in Asio's headers, which it does not see
  endif()
else()
  target_compile_options(trellis_options INTERFACE
    $<$<CONFIG:RelWithDebInfo>:-fstack-protector-strong -fstack-clash-protection -fcf-protection>)
  target_compile_definitions(trellis_options INTERFACE
    $<$<CONFIG:RelWithDebInfo>:_FORTIFY_SOURCE=2 _GLIBCXX_ASSERTIONS>)
  target_link_options(trellis_options INTERFACE -Wl,-z,relro -Wl,-z,now)
endif()
# Tests of fail points link this.
add_library(trellis_fail_points INTERFACE)
if(TRELLIS_FAIL_POINTS)
  target_compile_definitions(trellis_fail_points INTERFACE TRELLIS_FAIL_POINTS)
endif()
# trellis_fail_points_in(<source>…): those of this folder that have fail points. All others compile the same in every
# build and share the compiler cache.
function(trellis_fail_points_in)
  if(TRELLIS_FAIL_POINTS)
    set_property(SOURCE ${ARGN} APPEND PROPERTY COMPILE_DEFINITIONS TRELLIS_FAIL_POINTS)
  endif()
endfunction()

add_library(trellis_warnings INTERFACE)
target_compile_options(trellis_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow
  $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(trellis_warnings INTERFACE -Wduplicated-cond -Wlogical-op)
  if(NOT TRELLIS_SANITIZE)  # both see impossible paths under the sanitizers
    target_compile_options(trellis_warnings INTERFACE -Wnull-dereference)
    target_compile_options(trellis_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wuseless-cast>)
  endif()
else()
  target_compile_options(trellis_warnings INTERFACE -Wthread-safety)
endif()
if(TRELLIS_WERROR)
  target_compile_options(trellis_warnings INTERFACE -Werror)
endif()

# One precompiled header for the whole tree; its users share every compile option.
if(TRELLIS_PCH)
  file(WRITE ${CMAKE_BINARY_DIR}/pch/pch.cpp "// Carries the precompiled header of the tree.\n")
  add_library(trellis_pch STATIC ${CMAKE_BINARY_DIR}/pch/pch.cpp)
  target_compile_options(trellis_pch PRIVATE -fpch-preprocess)
  target_link_libraries(trellis_pch PRIVATE trellis_options trellis_warnings Boost::json fmt::fmt tl::expected)
  target_precompile_headers(trellis_pch PRIVATE
    <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <cstring> <filesystem> <functional> <map>
    <memory> <mutex> <optional> <span> <string> <string_view> <thread> <tuple> <unordered_map> <utility> <variant>
    <vector> <boost/json.hpp> <boost/describe.hpp> <fmt/format.h> <tl/expected.hpp>)
endif()

# trellis_use_pch(target): the shared precompiled header.
function(trellis_use_pch target)
  if(TRELLIS_PCH)
    target_link_libraries(${target} PRIVATE Boost::json fmt::fmt tl::expected)
    target_compile_options(${target} PRIVATE -fpch-preprocess -fPIC)  # -fPIC: executables too must match the header
    target_precompile_headers(${target} REUSE_FROM trellis_pch)
  endif()
endfunction()

# trellis_kernel_library(<folder> SOURCES a.cpp b.cpp HEADERS a.hpp LINK PUBLIC Trellis::base PRIVATE PkgConfig::sodium)
# makes target trellis_<folder>, alias Trellis::<folder>. '/' in a folder is written '_' in the target.
function(trellis_kernel_library folder)
  cmake_parse_arguments(arg "NO_PCH" "" "SOURCES;HEADERS;LINK" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  add_library(trellis_${name} STATIC ${arg_SOURCES} ${arg_HEADERS})
  add_library(Trellis::${name} ALIAS trellis_${name})
  target_link_libraries(trellis_${name} PUBLIC trellis_options Trellis::sdk PRIVATE trellis_warnings)
  if(arg_LINK)
    target_link_libraries(trellis_${name} ${arg_LINK})
  endif()
  if(NOT arg_NO_PCH)
    trellis_use_pch(trellis_${name})
  endif()
endfunction()

# trellis_tool(<binary> SOURCES … LINK …): an executable in build/bin.
function(trellis_tool name)
  cmake_parse_arguments(arg "NO_PCH" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE trellis_options trellis_warnings Trellis::sdk ${arg_LINK})
  if(NOT arg_NO_PCH)
    trellis_use_pch(${name})
  endif()
endfunction()

# The key that signs the plugins of this build: made once, kept beside the build. Its public half is what
# `trellis grid init` puts into a grid's trust store.
function(trellis_make_signing_key)
  set(key ${CMAKE_BINARY_DIR}/signing.key)
  add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/trust.d/build.pub
    COMMAND sh -c "test -e '${key}' || '$<TARGET_FILE:trellis>' plugin keygen '${key}' --comment 'plugins of this build'"
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/trust.d
    COMMAND chmod go-w ${CMAKE_BINARY_DIR}/trust.d
    COMMAND ${CMAKE_COMMAND} -E copy ${key}.pub ${CMAKE_BINARY_DIR}/trust.d/build.pub
    COMMENT "Signing key of this build" VERBATIM)
  add_custom_target(trellis_signing_key DEPENDS ${CMAKE_BINARY_DIR}/trust.d/build.pub)
  add_dependencies(trellis_signing_key trellis)
endfunction()

# trellis_pack_plugin(<target> <folder> <name>): manifest and signature beside <folder>/<name>.trellis.so, target
# trellis_packed_<target>. Debug information goes into a file of its own: nodes hash and copy each plugin when they start.
function(trellis_pack_plugin target folder name)
  set(file ${folder}/${name}.trellis.so)
  set(debug)
  if(NOT TRELLIS_SANITIZE)
    set(debug ${file}.debug)
    add_custom_command(OUTPUT ${debug}
      COMMAND ${CMAKE_OBJCOPY} --only-keep-debug ${file} ${debug}
      COMMAND ${CMAKE_OBJCOPY} --strip-debug --remove-section=.gnu_debuglink ${file}
      COMMAND ${CMAKE_OBJCOPY} --add-gnu-debuglink=${debug} ${file}
      COMMAND ${CMAKE_COMMAND} -E touch ${debug}  # after the library, which just changed
      DEPENDS ${target} VERBATIM COMMENT "Debug information of plugin ${name}")
  endif()
  add_custom_command(OUTPUT ${folder}/${name}.manifest.json ${folder}/${name}.manifest.json.sig
    COMMAND chmod go-w ${folder} ${file}
    COMMAND $<TARGET_FILE:trellis> plugin pack ${file}
    COMMAND $<TARGET_FILE:trellis> plugin sign ${CMAKE_BINARY_DIR}/signing.key ${file}
    DEPENDS ${target} ${debug} ${CMAKE_BINARY_DIR}/trust.d/build.pub trellis-plugin-host VERBATIM
    COMMENT "Manifest of plugin ${name}")
  add_custom_target(trellis_packed_${target} ALL DEPENDS ${folder}/${name}.manifest.json ${folder}/${name}.manifest.json.sig)
  add_dependencies(trellis_packed_${target} trellis trellis_signing_key)
endfunction()
