// SPDX-License-Identifier: Apache-2.0
//
// What runs inside: the files of src/runner/bootstrap, as the build found them.
#pragma once

#include <string_view>

namespace trivet::runner {

extern const std::string_view kPythonBootstrap;
extern const std::string_view kNodeBootstrap;

}  // namespace trivet::runner
