// SPDX-License-Identifier: Apache-2.0
//
// The daemon's memory is wiped when it is given back. Keys and passwords that are kept are
// SecretStrings, but on their way in and out they pass through what knows nothing of secrets (HTTP
// bodies, JSON, statements); this leaves nothing of those behind either. It costs a few nanoseconds
// for each block. Left out under AddressSanitizer, which has its own.
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TRIVET_HAS_ADDRESS_SANITIZER 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define TRIVET_HAS_ADDRESS_SANITIZER 1
#endif

#if !defined(TRIVET_HAS_ADDRESS_SANITIZER)

namespace {

void wipe_and_free(void* block) noexcept {
  if (block != nullptr) {
    ::explicit_bzero(block, ::malloc_usable_size(block));
    std::free(block);
  }
}

}  // namespace

void* operator new(std::size_t size) {
  if (void* const block = std::malloc(size == 0 ? 1 : size)) {
    return block;
  }
  throw std::bad_alloc();
}

void operator delete(void* block) noexcept {
  wipe_and_free(block);
}

void operator delete(void* block, std::size_t) noexcept {
  wipe_and_free(block);
}

#endif
