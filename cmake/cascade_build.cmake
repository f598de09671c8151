# Build rules shared by all folders: one library a folder, one flavour of flags.

option(CASCADE_TESTS "Build the tests" ON)
option(CASCADE_BENCHMARKS "Build the benchmarks" ON)
option(CASCADE_WERROR "Warnings are errors" OFF)
set(CASCADE_SANITIZE "" CACHE STRING "Sanitizers, comma separated, or empty")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
# Assertions stay on in release: a broken invariant must stop its actor, never go on.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-Og -g1")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_PCH_EXTSUM=1 "${CCACHE_PROGRAM}")
endif()

add_library(cascade_flags INTERFACE)
target_include_directories(cascade_flags INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(cascade_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -fno-omit-frame-pointer)
target_compile_definitions(cascade_flags INTERFACE
  _GLIBCXX_ASSERTIONS CASCADE_VERSION="${PROJECT_VERSION}")
if(CASCADE_WERROR)
  target_compile_options(cascade_flags INTERFACE -Werror)
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  target_link_options(cascade_flags INTERFACE -fuse-ld=mold)
endif()
if(CASCADE_SANITIZE)
  target_compile_options(cascade_flags INTERFACE
    -fsanitize=${CASCADE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(cascade_flags INTERFACE -fsanitize=${CASCADE_SANITIZE})
  # Actors, command lines and their tests are templates of CAF, CLI11 and gmock for the most part: without optimisation, and
  # without a check of every reference, where ASan finds the same, they compile in two thirds of the time. What decides
  # and computes keeps both.
  target_compile_options(cascade_flags INTERFACE
    "$<$<BOOL:$<TARGET_PROPERTY:CASCADE_QUICK_BUILD>>:-O0;-fno-sanitize=null,alignment,object-size,vptr>")
  # gcc 12 sees ghosts in std::string and std::optional under the sanitizers.
  target_compile_options(cascade_flags INTERFACE
    -Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds -Wno-restrict)
  if(CASCADE_SANITIZE MATCHES thread)
    # TSan does not see Asio's fences. Each of them stands beside a lock, which it does see.
    target_compile_options(cascade_flags INTERFACE -Wno-tsan)
  endif()
endif()

# cascade_library(NAME [QUICK_BUILD] [LINKS target...] [PCH header...]): the folder's *.cpp as static library cascade_NAME.
function(cascade_library name)
  cmake_parse_arguments(arg "QUICK_BUILD" "" "LINKS;PCH" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  if(NOT sources)
    add_library(cascade_${name} INTERFACE)
    target_link_libraries(cascade_${name} INTERFACE cascade_flags ${arg_LINKS})
    return()
  endif()
  add_library(cascade_${name} STATIC ${sources})
  target_link_libraries(cascade_${name} PUBLIC cascade_flags ${arg_LINKS})
  set_target_properties(cascade_${name} PROPERTIES CASCADE_QUICK_BUILD "${arg_QUICK_BUILD}")
  if(arg_PCH)
    target_precompile_headers(cascade_${name} PRIVATE ${arg_PCH})
  endif()
endfunction()
