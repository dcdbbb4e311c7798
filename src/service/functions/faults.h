// SPDX-License-Identifier: Apache-2.0
//
// Lambda's faults that several files of this folder answer with.
#pragma once

#include <string>

#include "base/result.h"

namespace trivet::functions {

inline Error conflict(std::string message) {
  return aws_fault(Errc::kConflict, "ResourceConflictException", std::move(message));
}

inline Error not_found(std::string message) {
  return aws_fault(Errc::kNotFound, "ResourceNotFoundException", std::move(message));
}

inline Error stale_revision() {
  return aws_fault(Errc::kConflict, "PreconditionFailedException",
                   "The Revision Id provided does not match the latest Revision Id. Call the "
                   "GetFunction/GetAlias API to retrieve the latest Revision Id");
}

}  // namespace trivet::functions
