// SPDX-License-Identifier: Apache-2.0
//
// Requests of CreateFunction and UpdateFunctionConfiguration in the service's words. What is not
// built is refused here, by name.
#pragma once

#include "api/shapes/lambda.h"
#include "service/functions/wishes.h"

namespace trivet::api::lambda {

// Faults: NotImplemented.
Result<functions::ConfigurationWish> configuration_wish(const CreateFunctionRequest& request);
Result<functions::ConfigurationWish> configuration_wish(
    const UpdateFunctionConfigurationRequest& request);
// The archive; NotImplemented for images and what is in S3.
Result<std::string> archive_of(std::optional<std::string>& zip,
                               const std::optional<std::string>& s3,
                               const std::optional<std::string>& image);
std::optional<std::string> architecture_of(const std::vector<std::string>& architectures);

}  // namespace trivet::api::lambda
