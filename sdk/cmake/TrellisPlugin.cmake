# trellis_add_plugin(<name> SOURCES a.cpp … LINK …): <name>.trellis.so in build/plugins, exporting one symbol.
set(TRELLIS_PLUGIN_VERSION_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/plugin.map)

function(trellis_add_plugin name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  set(target trellis_plugin_${name})
  add_library(${target} MODULE ${arg_SOURCES})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} SUFFIX .trellis.so
    CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    LINK_DEPENDS ${TRELLIS_PLUGIN_VERSION_SCRIPT})
  if(TRELLIS_PLUGIN_DIR)
    set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${TRELLIS_PLUGIN_DIR})
  endif()
  target_link_libraries(${target} PRIVATE Trellis::sdk ${arg_LINK})
  target_link_options(${target} PRIVATE -Wl,--version-script=${TRELLIS_PLUGIN_VERSION_SCRIPT} -Wl,-z,now -Wl,-z,relro)
  if(NOT TRELLIS_SANITIZE)  # the sanitizers' symbols come from the program that loads the plugin
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
endfunction()
