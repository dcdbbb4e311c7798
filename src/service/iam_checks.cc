// SPDX-License-Identifier: Apache-2.0
#include "service/iam_checks.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/uri.h"

namespace trivet::service {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

// Letters of other scripts are legal in tags: every byte above ASCII passes once the text is UTF-8.
bool is_tag_text(std::string_view text) {
  return is_valid_utf8(text) && std::all_of(text.begin(), text.end(), [](char c) {
           return is_alphanumeric(c) || is_one_of(c, " _.:/=+-@") ||
                  static_cast<unsigned char>(c) >= 0x80;
         });
}

std::size_t utf8_length(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

Status check_tag(const std::string& key, const std::string& value) {
  constexpr std::string_view kPattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]";
  if (key.empty() || utf8_length(key) > 128) {
    return constraint_error(key, "tags.1.member.key",
                            key.empty() ? "Member must have length greater than or equal to 1"
                                        : "Member must have length less than or equal to 128");
  }
  if (utf8_length(value) > 256) {
    return constraint_error(value, "tags.1.member.value",
                            "Member must have length less than or equal to 256");
  }
  if (!is_tag_text(key) || !is_tag_text(value)) {
    return constraint_error(is_tag_text(key) ? value : key,
                            is_tag_text(key) ? "tags.1.member.value" : "tags.1.member.key",
                            "Member must satisfy regular expression pattern: " +
                                std::string(kPattern) + (is_tag_text(key) ? "*" : "+"));
  }
  if (to_lower(key).starts_with("aws:")) {
    return invalid_input("Caller is not authorized to create or update a system tag: " + key +
                         ". Tag keys beginning with aws: are reserved for AWS.");
  }
  return ok();
}

}  // namespace

Error no_such_entity(std::string message) {
  return aws_fault(Errc::kNotFound, "NoSuchEntityException", std::move(message));
}
Error already_exists(std::string message) {
  return aws_fault(Errc::kAlreadyExists, "EntityAlreadyExistsException", std::move(message));
}
Error delete_conflict(std::string message) {
  return aws_fault(Errc::kConflict, "DeleteConflictException", std::move(message));
}
Error limit_exceeded(std::string message) {
  return aws_fault(Errc::kConflict, "LimitExceededException", std::move(message));
}
Error malformed_policy(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "MalformedPolicyDocumentException", std::move(message));
}
Error invalid_input(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "InvalidInputException", std::move(message));
}
Error validation_error(std::string message) {
  return aws_fault(Errc::kInvalidArgument, "ValidationError", std::move(message));
}

Error constraint_error(std::string_view value, std::string_view field,
                       std::string_view constraint) {
  return validation_error("1 validation error detected: Value '" + std::string(value) + "' at '" +
                          std::string(field) +
                          "' failed to satisfy constraint: " + std::string(constraint));
}

Status check_name(std::string_view field, std::string_view name, std::size_t max) {
  if (name.empty()) {
    return constraint_error(name, field, "Member must have length greater than or equal to 1");
  }
  if (name.size() > max) {
    return constraint_error(name, field,
                            "Member must have length less than or equal to " + std::to_string(max));
  }
  const bool legal = std::all_of(name.begin(), name.end(), [](char c) {
    return is_alphanumeric(c) || is_one_of(c, "_+=,.@-");
  });
  if (!legal) {
    return validation_error("The specified value for " + std::string(field) +
                            " is invalid. It must contain only alphanumeric characters and/or the "
                            "following: +=,.@_-");
  }
  return ok();
}

Status check_path(std::string_view field, std::string_view path) {
  const bool legal =
      !path.empty() && path.size() <= 512 && path.front() == '/' && path.back() == '/' &&
      std::all_of(path.begin(), path.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
  if (!legal) {
    return validation_error("The specified value for " + std::string(field) +
                            " is invalid. It must begin and end with / and contain only "
                            "alphanumeric characters and/or / characters.");
  }
  return ok();
}

Result<Tags> merge_tags(const Tags& have, const TagList& added) {
  std::vector<std::string> seen;
  Tags merged = have;
  for (const auto& [key, value] : added) {
    TRIVET_CHECK_OK(check_tag(key, value));
    const std::string folded = to_lower(key);
    if (std::find(seen.begin(), seen.end(), folded) != seen.end()) {
      return invalid_input(
          "Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
    seen.push_back(folded);
    // The case of the newest writing stays.
    std::erase_if(merged, [&](const auto& tag) { return to_lower(tag.first) == folded; });
    merged[key] = value;
  }
  if (merged.size() > kTagsMax) {
    return limit_exceeded("The number of tags has reached the maximum limit.");
  }
  return merged;
}

void remove_tags(Tags& tags, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    std::erase_if(tags, [&](const auto& tag) { return equals_ignoring_case(tag.first, key); });
  }
}

Status check_description(std::string_view description) {
  if (utf8_length(description) > 1000) {
    return constraint_error(description, "description",
                            "Member must have length less than or equal to 1000");
  }
  return ok();
}

}  // namespace trivet::service
