# SPDX-License-Identifier: Apache-2.0
# Warnings, sanitizers, linker and compiler cache for the whole tree.
option(SEPTET_WERROR "Warnings are errors" ON)
option(SEPTET_FUZZ "Build the libFuzzer targets (clang only)" OFF)
set(SEPTET_SANITIZE "" CACHE STRING "Comma-separated sanitizers, e.g. address,undefined")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
                                  CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
endif()

# x86-64-v2 keeps the server usable on processors without AVX.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_compile_options(-march=x86-64-v2)
endif()
add_compile_options(-Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow -fno-omit-frame-pointer)
if(SEPTET_WERROR)
  add_compile_options(-Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wthread-safety -Wno-unused-private-field)
else()
  # Debian's abseil headers trip GCC 12's false positives at -O2.
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-stringop-overflow
                      -Wno-array-bounds -Wno-dangling-pointer)
endif()
if(SEPTET_SANITIZE)
  add_compile_options(-fsanitize=${SEPTET_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SEPTET_SANITIZE})
  if(SEPTET_SANITIZE MATCHES "thread")
    # GCC cannot instrument stand-alone fences.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      add_compile_options(-Wno-tsan)
    endif()
  endif()
endif()
find_program(LLD_PROGRAM ld.lld)
if(LLD_PROGRAM)
  add_link_options(-fuse-ld=lld)
endif()
include_directories(${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
