// SPDX-License-Identifier: Apache-2.0
//
// DescribeDBLogFiles and DownloadDBLogFilePortion. A marker is the offset in bytes of what comes
// next.
#include <algorithm>
#include <charconv>

#include "api/rds/common.h"
#include "api/rds/log_portion.h"

namespace trivet::api::rds {
namespace {

Error no_such_file(std::string_view name) {
  return aws_fault(Errc::kNotFound, "DBLogFileNotFoundFault",
                   "DBLog File: " + std::string(name) + ", is not found on the DB instance");
}

Result<FoundInstance> find(const RdsServices& services, const Realm& realm,
                           const std::string& name_or_arn) {
  const auto id = name_of(realm, "db", name_or_arn);
  auto found = id ? find_instance(services, *id) : std::nullopt;
  if (!found) {
    return no_such_instance(name_or_arn);
  }
  return std::move(*found);
}

Result<DescribeDBLogFilesResponse> describe(const RdsServices& services, const Realm& realm,
                                            const DescribeDBLogFilesRequest& request) {
  TRIVET_TRY([[maybe_unused]] const bool none,
             passes(request.Filters, [](std::string_view) { return std::nullopt; }));
  TRIVET_TRY(const FoundInstance instance, find(services, realm, request.DBInstanceIdentifier));
  TRIVET_TRY(std::vector<LogFileInfo> files,
             services.log_files.list(instance.view->cluster, instance.member));
  std::erase_if(files, [&](const LogFileInfo& file) {
    return file.name.find(request.FilenameContains.value_or("")) == std::string::npos ||
           to_ms(file.written) < request.FileLastWritten.value_or(0) ||
           file.bytes < request.FileSize.value_or(0);
  });
  DescribeDBLogFilesResponse response{.DescribeDBLogFiles = {}, .Marker = request.Marker};
  TRIVET_CHECK_OK(cut_page(files, request.MaxRecords, response.Marker,
                           [](const LogFileInfo& file) { return file.name; }));
  for (const LogFileInfo& file : files) {
    response.DescribeDBLogFiles.push_back(
        {.LogFileName = file.name, .LastWritten = to_ms(file.written), .Size = file.bytes});
  }
  return response;
}

Result<std::optional<std::int64_t>> read_marker(const std::optional<std::string>& marker) {
  if (!marker || marker->empty()) {
    return std::optional<std::int64_t>();
  }
  std::int64_t offset = 0;
  const char* const end = marker->data() + marker->size();
  const auto read = std::from_chars(marker->data(), end, offset);
  if (read.ec != std::errc() || read.ptr != end || offset < 0) {
    return bad_value("Invalid Marker: " + *marker);
  }
  return std::optional(offset);
}

Result<DownloadDBLogFilePortionResponse> download(const RdsServices& services, const Realm& realm,
                                                  const DownloadDBLogFilePortionRequest& request) {
  const std::int32_t lines = request.NumberOfLines.value_or(kPortionLinesMax);
  if (lines < 1) {
    return bad_value("Invalid value " + std::to_string(lines) + " for NumberOfLines.");
  }
  TRIVET_TRY(const FoundInstance instance, find(services, realm, request.DBInstanceIdentifier));
  const Cluster& cluster = instance.view->cluster;
  TRIVET_TRY(const std::vector<LogFileInfo> files,
             services.log_files.list(cluster, instance.member));
  const auto file = std::find_if(files.begin(), files.end(), [&](const LogFileInfo& each) {
    return each.name == request.LogFileName;
  });
  if (file == files.end()) {
    return no_such_file(request.LogFileName);
  }
  TRIVET_TRY(const std::optional<std::int64_t> marker, read_marker(request.Marker));
  constexpr std::int64_t kMax = kPortionBytesMax;
  const std::int64_t from = marker ? *marker : std::max<std::int64_t>(0, file->bytes - kMax);
  auto data = services.log_files.read(cluster, instance.member, file->name, from, kPortionBytesMax);
  if (!data) {
    return data.error().code == Errc::kNotFound ? no_such_file(file->name) : data.error();
  }
  const LogPortion portion = marker ? head_of(*data, lines) : tail_of(*data, lines, from > 0);
  const std::int64_t next = from + static_cast<std::int64_t>(portion.end);
  return DownloadDBLogFilePortionResponse{
      .LogFileData = SecretString(portion.text),
      .Marker = std::to_string(next),
      .AdditionalDataPending = next < file->bytes && !portion.text.empty()};
}

template <typename Request>
std::vector<Permission> permissions(const RdsServices& services, const Call& call,
                                    const Request& request, std::string_view action) {
  return {instance_permission(services, call.realm, action, request.DBInstanceIdentifier)};
}

}  // namespace

void add_log_file_actions(ActionTable& table, const RdsServices& services) {
  table.add(make_action<DescribeDBLogFilesRequest>(
      [services](const Call& call, const DescribeDBLogFilesRequest& request) {
        return permissions(services, call, request, "rds:DescribeDBLogFiles");
      },
      [services](const Call& call, const DescribeDBLogFilesRequest& request) {
        return describe(services, call.realm, request);
      }));
  table.add(make_action<DownloadDBLogFilePortionRequest>(
      [services](const Call& call, const DownloadDBLogFilePortionRequest& request) {
        return permissions(services, call, request, "rds:DownloadDBLogFilePortion");
      },
      [services](const Call& call, const DownloadDBLogFilePortionRequest& request) {
        return download(services, call.realm, request);
      }));
}

}  // namespace trivet::api::rds
