// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sandbox/setup.h"

namespace trivet::sandbox {
namespace {

// Between asking for a free loop device and taking it, another launcher may have taken it.
constexpr int kLoopTries = 64;

Error mount_error(const std::string& what) {
  const int number = errno;
  return make_error(Errc::kInternal, what + ": " + std::strerror(number));
}

Status stack_layers(const Options& options) {
  // The kernel's order is top first.
  std::string lower;
  for (auto layer = options.layers.rbegin(); layer != options.layers.rend(); ++layer) {
    lower += lower.empty() ? "lowerdir=" : ":";
    lower += *layer;
  }
  return ::mount("overlay", options.layers_at.c_str(), "overlay", MS_RDONLY | MS_NOSUID | MS_NODEV,
                 lower.c_str()) == 0
             ? ok()
             : Status(mount_error("stack the layers"));
}

// A loop device on `image` that goes away with its last user. Its path.
Result<std::string> attach(int image) {
  const int control = ::open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  if (control < 0) {
    return mount_error("open /dev/loop-control");
  }
  for (int i = 0; i < kLoopTries; ++i) {
    const int number = ::ioctl(control, LOOP_CTL_GET_FREE);
    const std::string path = "/dev/loop" + std::to_string(number);
    const int device = number < 0 ? -1 : ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (device < 0) {
      break;
    }
    loop_config config{};
    config.fd = static_cast<__u32>(image);
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (::ioctl(device, LOOP_CONFIGURE, &config) == 0) {
      // Stays open until the exec: without a user it would be gone before it is mounted.
      ::close(control);
      return path;
    }
    const bool is_taken = errno == EBUSY;
    ::close(device);
    if (!is_taken) {
      break;
    }
  }
  const Error error = mount_error("attach a loop device");
  ::close(control);
  return error;
}

Status mount_tmp(const Options& options) {
  const int image = ::open(options.tmp_image.c_str(), O_RDWR | O_CLOEXEC);
  if (image < 0) {
    return mount_error("open " + options.tmp_image);
  }
  const Result<std::string> device = attach(image);
  ::close(image);
  if (!device) {
    return device.error();
  }
  // Nothing in it is worth waiting for a disk.
  if (::mount(device->c_str(), options.tmp_at.c_str(), "ext4", MS_NOSUID | MS_NODEV | MS_NOATIME,
              "nobarrier,errors=remount-ro") != 0) {
    return mount_error("mount /tmp");
  }
  if (::chown(options.tmp_at.c_str(), *options.uid, *options.uid) != 0) {
    return mount_error("give /tmp to its user");
  }
  return ok();
}

}  // namespace

Status mount_folders(const Options& options) {
  if (!options.layers.empty()) {
    TRIVET_CHECK_OK(stack_layers(options));
  }
  return options.tmp_image.empty() ? ok() : mount_tmp(options);
}

}  // namespace trivet::sandbox
