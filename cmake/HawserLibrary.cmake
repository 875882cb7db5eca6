# SPDX-License-Identifier: MIT
# libhawser, shared and static, from the components; the simulator stays out of it.
get_property(components GLOBAL PROPERTY HAWSER_COMPONENTS)
set(objects)
foreach(component ${components})
    if(NOT component STREQUAL "hwi_transport_sim")
        list(APPEND objects $<TARGET_OBJECTS:${component}>)
    endif()
endforeach()

foreach(kind SHARED STATIC)
    string(TOLOWER ${kind} suffix)
    add_library(hawser_${suffix} ${kind} ${objects})
    set_target_properties(hawser_${suffix} PROPERTIES OUTPUT_NAME hawser EXPORT_NAME ${suffix}
        VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})
    target_link_libraries(hawser_${suffix} PRIVATE $<BUILD_INTERFACE:hawser_flags> PkgConfig::ZMQ
        PkgConfig::MSGPACK PkgConfig::LZ4 PkgConfig::XXHASH Threads::Threads m)
    target_include_directories(hawser_${suffix} INTERFACE
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
    add_library(hawser::${suffix} ALIAS hawser_${suffix})
endforeach()

if(TARGET hwi_transport_sim)
    add_library(hawser_sim STATIC $<TARGET_OBJECTS:hwi_transport_sim>)
    target_link_libraries(hawser_sim PUBLIC hawser_static)
endif()
