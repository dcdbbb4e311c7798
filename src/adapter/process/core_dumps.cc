// SPDX-License-Identifier: Apache-2.0
#include "adapter/process/core_dumps.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/mutex.h"

namespace trivet::process {
namespace {

Mutex mutex;
int users GUARDED_BY(mutex) = 0;
bool is_forbidden GUARDED_BY(mutex) = false;
rlim_t found GUARDED_BY(mutex) = 0;

// The soft limit only: the hard one could not be raised again by whoever needs it.
void limit(rlim_t size) {
  rlimit cores{};
  if (::getrlimit(RLIMIT_CORE, &cores) == 0) {
    cores.rlim_cur = size;
    ::setrlimit(RLIMIT_CORE, &cores);
  }
}

}  // namespace

void forbid_core_dumps() {
  ::prctl(PR_SET_DUMPABLE, 0);
  const MutexLock lock(mutex);
  rlimit cores{};
  if (!is_forbidden && ::getrlimit(RLIMIT_CORE, &cores) == 0) {
    found = cores.rlim_cur;
    is_forbidden = true;
    limit(0);
  }
}

CoreLimitForChildren::CoreLimitForChildren() {
  const MutexLock lock(mutex);
  if (users++ == 0 && is_forbidden) {
    limit(found);
  }
}

CoreLimitForChildren::~CoreLimitForChildren() {
  const MutexLock lock(mutex);
  if (--users == 0 && is_forbidden) {
    limit(0);
  }
}

}  // namespace trivet::process
