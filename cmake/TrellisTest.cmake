find_package(GTest REQUIRED)
include(GoogleTest)

# Everything that needs no rights and no build of another kind: what the sanitizer build is for.
add_custom_target(trellis_unit_tests)

# trellis_test(<name> LABEL unit|golden|conformance|root|e2e SOURCES … LINK …): one GoogleTest program in build/tests.
# Labels: unit, golden and conformance need no rights; root needs root; e2e starts daemons and machines.
# WHOLE: the program is one test, because its cases share something that is slow to start.
function(trellis_test name)
  cmake_parse_arguments(arg "WHOLE" "LABEL;TIMEOUT" "SOURCES;LINK;DEPENDS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)  # more than tests/support/patience.hpp, on a machine that is slow and busy
  endif()
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(${name} PRIVATE trellis_options trellis_warnings Trellis::sdk GTest::gmock GTest::gtest GTest::gtest_main ${arg_LINK})
  target_compile_definitions(${name} PRIVATE
    TRELLIS_TEST_DATA="${CMAKE_SOURCE_DIR}/tests" TRELLIS_BUILD_DIR="${CMAKE_BINARY_DIR}")
  trellis_use_pch(${name})
  if(arg_LABEL MATCHES "unit|golden|conformance")
    add_dependencies(trellis_unit_tests ${name})
  endif()
  if(arg_DEPENDS)
    add_dependencies(${name} ${arg_DEPENDS})
  endif()
  if(arg_WHOLE)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT})
  else()
    gtest_discover_tests(${name} DISCOVERY_TIMEOUT 300 PROPERTIES LABELS "${arg_LABEL}" TIMEOUT ${arg_TIMEOUT})
  endif()
endfunction()
