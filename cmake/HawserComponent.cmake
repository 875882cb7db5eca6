# SPDX-License-Identifier: MIT
# hawser_component(DIR [DEPENDS DIR...]): an object library of DIR's own .c files. DEPENDS says which
# other parts its files may include; `include` stands for the public headers.
function(hawser_component dir)
    cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
    string(REPLACE "/" "_" name "hwi_${dir}")
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${dir}/*.c)
    if(NOT sources)
        return()
    endif()
    add_library(${name} OBJECT ${sources})
    target_link_libraries(${name} PRIVATE hawser_flags PkgConfig::HAWSER_ZMQ PkgConfig::HAWSER_MSGPACK
        PkgConfig::HAWSER_LZ4 PkgConfig::HAWSER_XXHASH)
    set_property(GLOBAL APPEND PROPERTY HAWSER_COMPONENTS ${name})
endfunction()
