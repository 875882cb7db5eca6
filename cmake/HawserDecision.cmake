# SPDX-License-Identifier: MIT
# hwi_decision_hash(): made anew by every build, compiled only when it changes.
set(decision ${PROJECT_BINARY_DIR}/generated/decision_hash.c)
add_custom_target(hawser_decision_hash BYPRODUCTS ${decision}
    COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DOUT=${decision}
        -P ${PROJECT_SOURCE_DIR}/cmake/decision_hash.cmake VERBATIM)
add_dependencies(hwi_actors_base hawser_decision_hash)
target_sources(hwi_actors_base PRIVATE ${decision})
