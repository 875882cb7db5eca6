# SPDX-License-Identifier: MIT
# GLOBAL: a project that Hawser is a part of links the static library, and with it what that needs.
# Each prefix begins with HAWSER_, so that it changes nothing in that project's cache.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(HAWSER_ZMQ REQUIRED IMPORTED_TARGET GLOBAL libzmq)
pkg_search_module(HAWSER_MSGPACK REQUIRED IMPORTED_TARGET GLOBAL msgpack-c msgpack)
pkg_check_modules(HAWSER_LZ4 REQUIRED IMPORTED_TARGET GLOBAL liblz4)
pkg_check_modules(HAWSER_XXHASH REQUIRED IMPORTED_TARGET GLOBAL libxxhash)
if(HAWSER_TOOLS)
    pkg_check_modules(HAWSER_JANSSON REQUIRED IMPORTED_TARGET jansson)
endif()
if(HAWSER_TESTS AND HAWSER_TOOLS)
    pkg_check_modules(HAWSER_CMOCKA IMPORTED_TARGET cmocka)
    if(NOT HAWSER_CMOCKA_FOUND)
        message(STATUS "Hawser is built without its tests: cmocka is missing (package libcmocka-dev)")
        set(HAWSER_TESTS OFF) # for this time; the next run of cmake looks again
    endif()
endif()
