# SPDX-License-Identifier: MIT
# Variables that are set here and not cached end with this directory: a project that includes Hawser keeps its own.
option(HAWSER_TESTS "Build the tests (needs cmocka)" ${PROJECT_IS_TOP_LEVEL})
option(HAWSER_INSTALL "Lay Hawser down with `cmake --install`" ${PROJECT_IS_TOP_LEVEL})
option(HAWSER_TOOLS "Build the command and the examples" ${PROJECT_IS_TOP_LEVEL})
option(HAWSER_WERROR "Warnings are errors" OFF)
option(HAWSER_CANARY "Plant a bug in the protocol, for the simulator to find" OFF)
set(HAWSER_SANITIZE "" CACHE STRING "Value for -fsanitize=, or empty")

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# Checks and assertions stay on in every build type.
foreach(type RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${type} "${CMAKE_C_FLAGS_${type}}")
endforeach()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(PROJECT_IS_TOP_LEVEL)
    set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
endif()

# The options with which every target of this project is compiled.
add_library(hawser_flags INTERFACE)
target_compile_definitions(hawser_flags INTERFACE _POSIX_C_SOURCE=200809L)
target_include_directories(hawser_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_include_directories(hawser_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_options(hawser_flags INTERFACE -Wall -Wextra -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Wpointer-arith -Wwrite-strings -Wconversion -Wsign-conversion
    -Wno-missing-field-initializers -Wno-string-conversion # HWI_CHECK(!"what cannot be")
    -ffp-contract=off)
if(HAWSER_WERROR)
    target_compile_options(hawser_flags INTERFACE -Werror)
endif()
if(HAWSER_CANARY)
    target_compile_definitions(hawser_flags INTERFACE HWI_CANARY)
endif()
if(HAWSER_SANITIZE)
    target_compile_options(hawser_flags INTERFACE -fsanitize=${HAWSER_SANITIZE}
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(hawser_flags INTERFACE -fsanitize=${HAWSER_SANITIZE})
endif()
