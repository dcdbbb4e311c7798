# Warnings, hardening and sanitizers: one interface target that every target of ours links.
add_library(trivet_flags INTERFACE)
target_compile_options(trivet_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Wswitch-enum
  $<$<BOOL:${TRIVET_WERROR}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(trivet_flags INTERFACE -Wthread-safety -Wno-missing-designated-field-initializers
    -Wno-missing-field-initializers)
else()
  # Designated initializers leave members at their defaults on purpose.
  target_compile_options(trivet_flags INTERFACE -Wno-missing-field-initializers)
endif()
if(TRIVET_SANITIZE)
  # Undefined behaviour ends the test: without no-sanitize-recover it would only print.
  target_compile_options(trivet_flags INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(trivet_flags INTERFACE -fsanitize=address,undefined)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(trivet_flags INTERFACE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
  target_link_options(trivet_flags INTERFACE -Wl,-z,relro,-z,now)
endif()
target_include_directories(trivet_flags INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/generated)

# The pure cores: no exceptions, no RTTI (docs/style.md).
add_library(trivet_core_flags INTERFACE)
target_compile_options(trivet_core_flags INTERFACE -fno-exceptions -fno-rtti)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(LLD ld.lld)
if(LLD)
  add_link_options(-fuse-ld=lld)
endif()
