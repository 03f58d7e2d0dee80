# What is made for installation, and where it goes. Installed files name no place of the build, and find each other from where
# they are: the whole may be moved.

# First: which folders are not there yet, so that `make uninstall` takes away those that were made, and no other.
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lamina)
install(CODE "
  set(folders ${CMAKE_INSTALL_BINDIR} ${CMAKE_INSTALL_INCLUDEDIR} ${CMAKE_INSTALL_LIBDIR}/pkgconfig ${config_dir}
    ${CMAKE_INSTALL_MANDIR}/man1 ${CMAKE_INSTALL_MANDIR}/man3 ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    ${CMAKE_INSTALL_DATADIR}/lamina ${CMAKE_INSTALL_DOCDIR})")
install(SCRIPT cmake/folders.cmake)

# Manual pages and completion, by the program from its tables.
set(manual ${CMAKE_CURRENT_BINARY_DIR}/manual)
set(completion ${CMAKE_CURRENT_BINARY_DIR}/completion/lamina)
if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
  message(STATUS "lamina does not run here: no manual pages, no completion")
else()
  add_custom_command(OUTPUT ${completion}
    COMMAND ${CMAKE_COMMAND} -D MANUAL=${manual} -D COMPLETION=${completion}
      -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/pages.cmake -- ${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:lamina_program>
    DEPENDS lamina_program cmake/pages.cmake COMMENT "Making the manual pages and the completion" VERBATIM)
  add_custom_target(lamina_manual ALL DEPENDS ${completion})
  install(DIRECTORY ${manual}/ DESTINATION ${CMAKE_INSTALL_MANDIR})
  install(FILES ${completion} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
endif()

# pkg-config and CMake
include(CMakePackageConfigHelpers)
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  set(pc_prefix ${CMAKE_INSTALL_PREFIX})
  set(pc_libdir ${CMAKE_INSTALL_LIBDIR})
else()
  file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  string(REGEX REPLACE "/$" "" up "${up}")
  set(pc_prefix "\${pcfiledir}/${up}")
  set(pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE ${CMAKE_INSTALL_INCLUDEDIR})
  set(pc_includedir ${CMAKE_INSTALL_INCLUDEDIR})
else()
  set(pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
list(JOIN optional_modules " " optional_names)
string(STRIP "jansson libmd ${optional_names} zlib" pc_requires)
configure_file(cmake/lamina.pc.in lamina.pc @ONLY)
configure_package_config_file(cmake/lamina-config.cmake.in lamina-config.cmake INSTALL_DESTINATION ${config_dir}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(lamina-config-version.cmake COMPATIBILITY SameMinorVersion)

install(TARGETS lamina_program)
install(TARGETS lamina_shared EXPORT lamina_shared)
install(TARGETS lamina EXPORT lamina_static)
install(EXPORT lamina_shared FILE lamina-shared.cmake NAMESPACE lamina:: DESTINATION ${config_dir})
install(EXPORT lamina_static FILE lamina-static.cmake NAMESPACE lamina:: DESTINATION ${config_dir})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lamina-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/lamina-config-version.cmake
  DESTINATION ${config_dir})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/lamina.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES include/lamina.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN *.md PATTERN *.svg)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DOCDIR} USE_SOURCE_PERMISSIONS PATTERN build* EXCLUDE
  PATTERN __pycache__ EXCLUDE PATTERN quadrants EXCLUDE PATTERN quadrants_cpp EXCLUDE)

# In a wheel: the library beside the modules of the package.
if(SKBUILD)
  install(TARGETS lamina_shared LIBRARY DESTINATION lamina COMPONENT python)
endif()

# Last: the list of what was installed.
install(CODE "set(manifest ${CMAKE_INSTALL_DATADIR}/lamina/manifest)")
install(SCRIPT cmake/manifest.cmake)
