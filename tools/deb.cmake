# SPDX-License-Identifier: MIT
# The Debian packages that tools/deb builds. Each is the component of its name: what install(... COMPONENT NAME) says is in it.
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has its own
# As Debian's own tools name who builds.
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
if(NOT DEFINED ENV{DEBEMAIL})
  set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The larshm authors <larshm@larshm.invalid>")
endif()
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Where dpkg-shlibdeps finds the library of a package that is not installed.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR}/lib)
set(CPACK_COMPONENTS_ALL "")

# Debian wants a changelog in each package.
string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${CMAKE_BINARY_DIR}/deb/changelog "larshm (${PROJECT_VERSION}) unstable; urgency=medium

  * See CONTRIBUTING.md, Changes.

 -- ${CPACK_DEBIAN_PACKAGE_MAINTAINER}  ${date}\n")
execute_process(COMMAND gzip -9nf ${CMAKE_BINARY_DIR}/deb/changelog)

# larshm_package(NAME TARGET SECTION SUMMARY TEXT...): a package, if the target is there.
macro(larshm_package name target section summary)
  if(TARGET ${target})
    list(APPEND CPACK_COMPONENTS_ALL ${name})
    string(TOUPPER ${name} key)
    set(CPACK_DEBIAN_${key}_PACKAGE_NAME ${name})
    set(CPACK_DEBIAN_${key}_PACKAGE_SECTION ${section})
    string(REPLACE ";" "\n" text "${ARGN}")
    set(CPACK_COMPONENT_${key}_DESCRIPTION "${summary}\n${text}")
    install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION share/doc/${name} RENAME copyright
      COMPONENT ${name} EXCLUDE_FROM_ALL)
    install(FILES ${CMAKE_BINARY_DIR}/deb/changelog.gz DESTINATION share/doc/${name} COMPONENT ${name} EXCLUDE_FROM_ALL)
    unset(key)
  endif()
endmacro()

larshm_package(liblarshm0 larshm_shared libs "shared-memory route cache for Lars, the library"
  "Looks up the hosts of a route in shared memory, where a fetcher daemon of"
  "the machine keeps them: no system call, no lock, no round trip."
  "." "This package has the shared library.")

# CPack looks for a library in each package, and runs ldconfig by scripts of its own; Debian wants a trigger, too.
set(control ${CMAKE_BINARY_DIR}/deb/liblarshm0)
file(WRITE ${control}/shlibs "liblarshm 0 liblarshm0 (>= ${PROJECT_VERSION})\n")
file(WRITE ${control}/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBLARSHM0_PACKAGE_CONTROL_EXTRA ${control}/shlibs ${control}/triggers)

larshm_package(python3-larshm larshm_python python "shared-memory route cache for Lars, for Python"
  "Looks up the hosts of a route in shared memory, where a fetcher daemon of"
  "the machine keeps them: no system call, no lock, no round trip."
  "." "This package has the Python module, with asyncio and type stubs.")
set(CPACK_DEBIAN_PYTHON3-LARSHM_PACKAGE_DEPENDS "liblarshm0 (>= ${PROJECT_VERSION}), python3 (>= 3.11)")
set(control ${PROJECT_SOURCE_DIR}/reader/bindings/python/debian)
set(CPACK_DEBIAN_PYTHON3-LARSHM_PACKAGE_CONTROL_EXTRA ${control}/postinst ${control}/prerm)

larshm_package(lua-larshm larshm_shared interpreters "shared-memory route cache for Lars, for LuaJIT"
  "Looks up the hosts of a route in shared memory, where a fetcher daemon of"
  "the machine keeps them: no system call, no lock, no round trip."
  "." "This package has the module for LuaJIT and for nginx with Lua.")
set(CPACK_DEBIAN_LUA-LARSHM_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_LUA-LARSHM_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_LUA-LARSHM_PACKAGE_DEPENDS "liblarshm0 (>= ${PROJECT_VERSION}), libluajit-5.1-2 | libluajit2-5.1-2")

include(CPack)
