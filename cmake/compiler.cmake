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
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK SEPTET_TSAN)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      add_compile_options(-Wno-tsan)
    endif()
    # Calls of abseil's locks go through base/tsan_absl.cc, which explains them to the sanitizer.
    foreach(symbol
        _ZN4absl7debian35Mutex4LockEv
        _ZN4absl7debian35Mutex6UnlockEv
        _ZN4absl7debian35Mutex7TryLockEv
        _ZN4absl7debian35Mutex10ReaderLockEv
        _ZN4absl7debian35Mutex12ReaderUnlockEv
        _ZN4absl7debian35Mutex13ReaderTryLockEv
        _ZN4absl7debian35Mutex5AwaitERKNS0_9ConditionE
        _ZN4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE
        _ZN4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE
        _ZN4absl7debian35Mutex8LockWhenERKNS0_9ConditionE
        _ZN4absl7debian35Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE
        _ZN4absl7debian35Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE
        _ZN4absl7debian312Notification6NotifyEv
        _ZNK4absl7debian312Notification19WaitForNotificationEv
        _ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE
        _ZN4absl7debian37CondVar4WaitEPNS0_5MutexE
        _ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE
        _ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE
    )
      add_link_options(LINKER:--wrap=${symbol})
    endforeach()
  endif()
endif()
find_program(LLD_PROGRAM ld.lld)
if(LLD_PROGRAM)
  add_link_options(-fuse-ld=lld)
endif()
include_directories(${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
