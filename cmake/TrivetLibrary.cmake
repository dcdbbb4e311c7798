# trivet_library(name LAYER <folder of layers.toml> SOURCES … [DEPS …] [EXTERNAL …])
#   One static library for each folder. DEPS are other trivet_library names; EXTERNAL are imported targets,
#   linked privately. LAYER core adds -fno-exceptions -fno-rtti.
# trivet_test(name sources… [LABEL unit] [DEPS …] [EXTERNAL …])
#   One test binary <name>_test, registered with ctest.
include(GoogleTest)
function(trivet_library name)
  cmake_parse_arguments(ARG "" "LAYER" "SOURCES;DEPS;EXTERNAL" ${ARGN})
  add_library(trivet_${name} STATIC ${ARG_SOURCES})
  list(TRANSFORM ARG_DEPS PREPEND trivet_)
  target_link_libraries(trivet_${name} PUBLIC trivet_flags ${ARG_DEPS} PRIVATE ${ARG_EXTERNAL})
  if(ARG_LAYER STREQUAL "core")
    target_link_libraries(trivet_${name} PRIVATE trivet_core_flags)
  endif()
endfunction()

function(trivet_test name)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;DEPS;EXTERNAL" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  add_executable(${name}_test ${ARG_SOURCES})
  list(TRANSFORM ARG_DEPS PREPEND trivet_)
  target_link_libraries(${name}_test PRIVATE trivet_flags ${ARG_DEPS} ${ARG_EXTERNAL} GTest::gtest_main)
  # Each test file has helpers of its own, under names that the next one uses too.
  set_target_properties(${name}_test PROPERTIES UNITY_BUILD OFF)
  target_compile_definitions(${name}_test PRIVATE TRIVET_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  gtest_discover_tests(${name}_test PROPERTIES LABELS ${ARG_LABEL} DISCOVERY_TIMEOUT 60)
endfunction()
