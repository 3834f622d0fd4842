# Functions for projects that build plugins.
set(TRELLIS_PLUGIN_VERSION_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/plugin.map)

# trellis_add_plugin(<name> SOURCES a.cpp … [LINK …]): the module <name>.trellis.so, which exports one symbol. It lands in
# TRELLIS_PLUGIN_DIR when that is set, else in the current binary folder. With the installed SDK the target pack_<name>
# writes <name>.manifest.json beside it, from what the code registers.
function(trellis_add_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  if(NOT name MATCHES "^[a-z][a-z0-9-]*$")
    message(FATAL_ERROR "trellis_add_plugin: '${name}' is no plugin name: use lower-case letters, digits and '-'")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "trellis_add_plugin(${name}): give its files: SOURCES ${name}.cpp")
  endif()
  set(target trellis_plugin_${name})
  add_library(${target} MODULE ${arg_SOURCES})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} SUFFIX .trellis.so POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${TRELLIS_PLUGIN_VERSION_SCRIPT})
  if(TRELLIS_PLUGIN_DIR)
    set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${TRELLIS_PLUGIN_DIR})
  endif()
  # A plugin of C alone needs the header and nothing else.
  if("${arg_SOURCES}" MATCHES "\\.(cc|cpp|cxx)(;|$)")
    target_link_libraries(${target} PRIVATE Trellis::sdk ${arg_LINK})
  else()
    target_link_libraries(${target} PRIVATE Trellis::abi ${arg_LINK})
  endif()
  target_link_options(${target} PRIVATE -Wl,--version-script=${TRELLIS_PLUGIN_VERSION_SCRIPT} -Wl,-z,now -Wl,-z,relro)
  # The sanitizers' symbols come from the program that loads the plugin.
  if(NOT TRELLIS_SANITIZE AND NOT "${CMAKE_CXX_FLAGS} ${CMAKE_C_FLAGS}" MATCHES "-fsanitize")
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
  if(TRELLIS_CLI)  # set by the installed package
    add_custom_target(pack_${name} COMMAND ${TRELLIS_CLI} plugin pack $<TARGET_FILE:${target}> VERBATIM
      COMMENT "Manifest of plugin ${name}")
    add_dependencies(pack_${name} ${target})
  endif()
endfunction()

# trellis_add_plugin_test(<test> PLUGINS <name>… SOURCES test.cpp … [LINK …]): a GoogleTest program that finds the built
# plugins with FakeHost::BuiltPlugin("<name>"), and its ctest entry.
function(trellis_add_plugin_test name)
  cmake_parse_arguments(arg "" "" "PLUGINS;SOURCES;LINK" ${ARGN})
  if(NOT arg_PLUGINS OR NOT arg_SOURCES)
    message(FATAL_ERROR "trellis_add_plugin_test(${name}): give PLUGINS (names of trellis_add_plugin) and SOURCES")
  endif()
  find_package(GTest QUIET)
  if(NOT GTest_FOUND)
    message(FATAL_ERROR "the test '${name}' needs GoogleTest: install libgtest-dev, or configure with -DBUILD_TESTING=OFF")
  endif()
  list(GET arg_PLUGINS 0 first)
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE Trellis::testing GTest::gtest GTest::gtest_main ${arg_LINK})
  target_compile_definitions(${name} PRIVATE TRELLIS_PLUGIN_DIR="$<TARGET_FILE_DIR:trellis_plugin_${first}>")
  foreach(plugin ${arg_PLUGINS})
    add_dependencies(${name} trellis_plugin_${plugin})
  endforeach()
  add_test(NAME ${name} COMMAND ${name})
endfunction()

# trellis_add_conformance_test(<name> [SAMPLES samples.json]): runs trellis-conformance over the plugin, in this process
# and in a helper process. SAMPLES holds a configuration and valid data of each type.
function(trellis_add_conformance_test name)
  cmake_parse_arguments(arg "" "SAMPLES" "" ${ARGN})
  set(options --pure)
  if(arg_SAMPLES)
    get_filename_component(samples ${arg_SAMPLES} ABSOLUTE)
    set(options --samples ${samples})
  endif()
  add_test(NAME ${name}.conformance COMMAND ${TRELLIS_CONFORMANCE} ${options} $<TARGET_FILE:trellis_plugin_${name}>)
endfunction()
