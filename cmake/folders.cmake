# A part of the installation: of `folders`, and those above them, the ones that are not there yet, as `new_folders`.
set(new_folders)
foreach(folder IN LISTS folders)
  cmake_path(ABSOLUTE_PATH folder BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX} NORMALIZE)
  while(NOT folder STREQUAL "/" AND NOT EXISTS "$ENV{DESTDIR}${folder}")
    list(APPEND new_folders ${folder})
    cmake_path(GET folder PARENT_PATH folder)
  endwhile()
endforeach()
