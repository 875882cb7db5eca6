# SPDX-License-Identifier: MIT
# A plan has more to go wrong than the table shows: deaths in the middle, unequal counts, many at once. Its answers are judged by
# themselves, too, as those of the library's plans are.
hawser_door(two_hop_plan two_hop_plan.c two_hop_order.c)
foreach(test scenario/test_collectives scenario/test_collective_kills scenario/test_kills unit/test_plan_meaning)
    get_filename_component(name ${test} NAME)
    set(target door_${name}_two_hop_plan)
    add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/${test}.c two_hop_plan.c two_hop_order.c)
    target_link_libraries(${target} PRIVATE hawser_flags hawser_test_support hawser_swarm PkgConfig::HAWSER_CMOCKA)
    add_test(NAME doors.${name}_two_hop_plan COMMAND ${target})
    set_tests_properties(doors.${name}_two_hop_plan PROPERTIES LABELS swarm TIMEOUT ${HAWSER_TEST_HANGS_S})
endforeach()
