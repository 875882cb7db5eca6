# SPDX-License-Identifier: MIT
# What `cmake --install` lays down: libraries, headers, the command, the demo's trainer and data, examples, manual
# pages, and what pkg-config and CMake need to find them.
include(CMakePackageConfigHelpers)

foreach(kind shared static)
    install(TARGETS hawser_${kind} EXPORT hawser-${kind}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(EXPORT hawser-${kind} FILE hawser-${kind}.cmake NAMESPACE hawser::
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/hawser)
endforeach()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/hawser DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.h")
if(HAWSER_TOOLS)
    install(TARGETS hawser_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    install(TARGETS train_digits RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/hawser)
    install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/data/ DESTINATION ${CMAKE_INSTALL_DATADIR}/hawser/data)
endif()
install(FILES LICENSE CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples FILES_MATCHING PATTERN "*.[ch]"
    PATTERN data EXCLUDE)
include(HawserMan)

# The demo's trainer uses the shared library that is installed with it, wherever the prefix is moved.
file(RELATIVE_PATH lib_from_libexec ${CMAKE_INSTALL_FULL_LIBEXECDIR}/hawser ${CMAKE_INSTALL_FULL_LIBDIR})
if(HAWSER_TOOLS)
    set_target_properties(train_digits PROPERTIES INSTALL_RPATH "$ORIGIN/${lib_from_libexec}")
endif()

file(RELATIVE_PATH include_from_pc ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_FULL_INCLUDEDIR})
foreach(name hawser hawser-static)
    configure_file(${CMAKE_CURRENT_LIST_DIR}/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/hawser-config.cmake.in
    ${PROJECT_BINARY_DIR}/hawser-config.cmake
    INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/hawser)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/hawser-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/hawser-config.cmake ${PROJECT_BINARY_DIR}/hawser-config-version.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/hawser)
