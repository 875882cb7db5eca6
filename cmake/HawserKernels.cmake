# SPDX-License-Identifier: MIT
# The kernels' files: one source of loops for several instruction sets. The scalar set is the definition, so it
# is left as it is written; where a CPU lacks what a file was compiled for, nothing of it is called.
set_source_files_properties(${PROJECT_SOURCE_DIR}/collectives/kernels/scalar.c PROPERTIES
    COMPILE_OPTIONS "-fno-tree-vectorize;-fno-tree-slp-vectorize")
set_source_files_properties(${PROJECT_SOURCE_DIR}/collectives/kernels/neon.c PROPERTIES COMPILE_OPTIONS "-O3")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
    set_source_files_properties(${PROJECT_SOURCE_DIR}/collectives/kernels/avx2.c PROPERTIES COMPILE_OPTIONS "-mavx2;-mf16c;-O3")
    set_source_files_properties(${PROJECT_SOURCE_DIR}/collectives/kernels/avx512.c PROPERTIES COMPILE_OPTIONS
        "-mavx512f;-mavx512bw;-mavx512dq;-mavx512vl;-mprefer-vector-width=512;-O3")
endif()
