# SPDX-License-Identifier: MIT
# cmake -DROOT=... -DOUT=... -P: writes decision_hash.c: one number for the text of everything that
# decides what an actor does: its sources, and those of the schema and the loop it runs in.
set(all "")
foreach(dir actors/base actors/wire actors/loop actors/master actors/peer collectives/plans
        collectives/reducer snapshot)
    file(GLOB files RELATIVE ${ROOT} ${ROOT}/${dir}/*.c ${ROOT}/${dir}/*.h ${ROOT}/${dir}/*.def)
    list(SORT files)
    foreach(file ${files})
        file(SHA256 ${ROOT}/${file} hash)
        string(APPEND all "${file}:${hash}\n")
    endforeach()
endforeach()
string(SHA256 hash "${all}")
string(SUBSTRING ${hash} 0 16 hash)
set(text "#include \"actors/base/base.h\"\nuint64_t hwi_decision_hash(void)\n{\n    return UINT64_C(0x${hash});\n}\n")
set(old "")
if(EXISTS ${OUT})
    file(READ ${OUT} old)
endif()
if(NOT old STREQUAL text)
    file(WRITE ${OUT} "${text}")
endif()
