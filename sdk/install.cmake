# What `cmake --install build --component sdk` and the Debian package trellis-sdk bring: headers, CMake package, examples,
# documents and the author's tools.
include(CMakePackageConfigHelpers)
set(sdk_version 1.0.0)  # of the plugin ABI
set(sdk_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/TrellisSDK)
set(sdk_share_dir ${CMAKE_INSTALL_DATADIR}/trellis-sdk)

install(TARGETS trellis_abi trellis_sdk trellis_testing EXPORT TrellisSDKTargets COMPONENT sdk)
install(DIRECTORY include/trellis DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT sdk)
install(EXPORT TrellisSDKTargets NAMESPACE Trellis:: DESTINATION ${sdk_cmake_dir} COMPONENT sdk)
configure_package_config_file(cmake/TrellisSDKConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/TrellisSDKConfig.cmake
  INSTALL_DESTINATION ${sdk_cmake_dir} PATH_VARS CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/TrellisSDKConfigVersion.cmake
  VERSION ${sdk_version} COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/TrellisSDKConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/TrellisSDKConfigVersion.cmake
  cmake/TrellisPlugin.cmake cmake/plugin.map DESTINATION ${sdk_cmake_dir} COMPONENT sdk)
install(DIRECTORY examples DESTINATION ${sdk_share_dir} COMPONENT sdk PATTERN CMakeLists.txt EXCLUDE)
install(DIRECTORY rust DESTINATION ${sdk_share_dir} COMPONENT sdk)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/plugins/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/trellis-sdk COMPONENT sdk)

# The tools are built elsewhere in the tree; called there, since a folder installs its own targets only.
function(trellis_install_sdk_tools)
  install(TARGETS ${ARGN} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT sdk)
endfunction()
