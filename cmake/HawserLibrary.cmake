# SPDX-License-Identifier: MIT
# libhawser, shared and static, from the components; the simulator and its parts stay out. The symbols that the shared one
# exports are in hawser.symbols. While the major version is 0, a minor one may break programs, so it is in the soname.
get_property(components GLOBAL PROPERTY HAWSER_COMPONENTS)
set(objects)
foreach(component ${components})
    if(NOT component MATCHES "^hwi_(transport_sim|tools_trainer|tools_swarm)$")
        list(APPEND objects $<TARGET_OBJECTS:${component}>)
    endif()
endforeach()

set(soversion ${PROJECT_VERSION_MAJOR})
if(soversion EQUAL 0)
    set(soversion 0.${PROJECT_VERSION_MINOR})
endif()
foreach(kind SHARED STATIC)
    string(TOLOWER ${kind} suffix)
    add_library(hawser_${suffix} ${kind} ${objects})
    set_target_properties(hawser_${suffix} PROPERTIES OUTPUT_NAME hawser EXPORT_NAME ${suffix}
        VERSION ${PROJECT_VERSION} SOVERSION ${soversion})
    target_link_libraries(hawser_${suffix} PRIVATE $<BUILD_INTERFACE:hawser_flags> PkgConfig::HAWSER_ZMQ
        PkgConfig::HAWSER_MSGPACK PkgConfig::HAWSER_LZ4 PkgConfig::HAWSER_XXHASH ${CMAKE_THREAD_LIBS_INIT} m)
    target_include_directories(hawser_${suffix} INTERFACE
        $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
    add_library(hawser::${suffix} ALIAS hawser_${suffix})
endforeach()

if(TARGET hwi_transport_sim)
    add_library(hawser_sim STATIC $<TARGET_OBJECTS:hwi_transport_sim>)
    target_link_libraries(hawser_sim PUBLIC hawser_static)
endif()
if(TARGET hwi_tools_trainer)
    add_library(hawser_trainer STATIC $<TARGET_OBJECTS:hwi_tools_trainer>)
    target_link_libraries(hawser_trainer PUBLIC hawser_sim)
endif()
if(TARGET hwi_tools_swarm)
    add_library(hawser_swarm STATIC $<TARGET_OBJECTS:hwi_tools_swarm>)
    target_link_libraries(hawser_swarm PUBLIC hawser_trainer)
endif()
