// SPDX-License-Identifier: Apache-2.0
#include "api/json_request.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "api/service_info.h"

namespace trivet::api {
namespace {

Error unknown_operation() {
  return aws_fault(Errc::kNotFound, "UnknownOperationException",
                   "There is no operation of this service at this path and method.");
}

Error unreadable_part(std::string_view what) {
  return aws_fault(Errc::kInvalidArgument, "SerializationException",
                   "The " + std::string(what) + " of the request cannot be read.");
}

// "/2015-03-31/functions/" → {"2015-03-31", "functions"}: one slash at the end says nothing.
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> out;
  path.remove_prefix(path.starts_with('/') ? 1 : 0);
  if (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  while (true) {
    const std::size_t slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) {
      return out;
    }
    path.remove_prefix(slash + 1);
  }
}

bool is_label(std::string_view segment) {
  return segment.starts_with('{');
}

bool fits(const std::vector<std::string_view>& route, const std::vector<std::string_view>& path) {
  return route.size() == path.size() &&
         std::equal(route.begin(), route.end(), path.begin(),
                    [](std::string_view wanted, std::string_view given) {
                      return is_label(wanted) ? !given.empty() : wanted == given;
                    });
}

// "find=LayerVersion" of a route must be among the parameters.
bool has_parameter(const QueryParameters& query, std::string_view wanted) {
  const std::size_t equals = wanted.find('=');
  const std::string_view name = wanted.substr(0, equals);
  const std::string_view value = wanted.substr(equals + 1);
  return std::any_of(query.begin(), query.end(), [&](const auto& parameter) {
    return parameter.first == name && parameter.second == value;
  });
}

struct Found {
  const Route* route = nullptr;
  std::vector<std::string_view> segments;
  bool has_query = false;
};

// The best route: one whose own parameter is there, then one that spells out more of the path.
Found find_route(const ServiceInfo& service, std::string_view method,
                 const std::vector<std::string_view>& path, const QueryParameters& query) {
  Found best;
  std::size_t fewest_labels = path.size() + 1;
  for (const Route& route : service.routes) {
    const std::size_t mark = route.path.find('?');
    const auto segments = segments_of(route.path.substr(0, mark));
    const bool has_query = mark != std::string_view::npos;
    if (route.method != method || !fits(segments, path) ||
        (has_query && !has_parameter(query, route.path.substr(mark + 1)))) {
      continue;
    }
    const auto labels =
        static_cast<std::size_t>(std::count_if(segments.begin(), segments.end(), is_label));
    if (best.route == nullptr || (has_query && !best.has_query) ||
        (has_query == best.has_query && labels < fewest_labels)) {
      best = {&route, segments, has_query};
      fewest_labels = labels;
    }
  }
  return best;
}

Result<JsonRequest> read_rest(const ServiceInfo& service, const net::HttpRequest& request) {
  const std::string_view target = request.target;
  const std::size_t mark = target.find('?');
  JsonRequest out;
  if (mark != std::string_view::npos) {
    auto query = split_query(target.substr(mark + 1));
    if (!query) {
      return unreadable_part("query string");
    }
    for (auto& [name, value] : *query) {
      if (!is_valid_utf8(name) || !is_valid_utf8(value)) {
        return unreadable_part("query string");
      }
      out.query.emplace_back(std::move(name), std::move(value));
    }
  }
  const auto path = segments_of(target.substr(0, mark));
  const Found found = find_route(service, request.method, path, out.query);
  if (found.route == nullptr) {
    return unknown_operation();
  }
  out.action = found.route->action;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const std::string_view label = found.segments[i];
    if (!is_label(label)) {
      continue;
    }
    auto value = percent_decode(path[i]);
    if (!value || !is_valid_utf8(*value)) {
      return unreadable_part("path");
    }
    out.labels.emplace(std::string(label.substr(1, label.size() - 2)), std::move(*value));
  }
  return out;
}

Result<JsonRequest> read_target(const ServiceInfo& service, const net::HttpRequest& request) {
  const std::string_view target = net::find_header(request.headers, "x-amz-target");
  const std::size_t dot = target.rfind('.');
  const std::string_view name = dot == std::string_view::npos ? "" : target.substr(dot + 1);
  const auto it = std::lower_bound(service.actions.begin(), service.actions.end(), name);
  if (request.method != "POST" || dot == std::string_view::npos ||
      target.substr(0, dot) != service.target_prefix || it == service.actions.end() ||
      *it != name) {
    return unknown_operation();
  }
  JsonRequest out;
  out.action = *it;
  return out;
}

}  // namespace

const ServiceInfo* guess_json_service(const net::HttpRequest& request) {
  const std::string_view target = net::find_header(request.headers, "x-amz-target");
  for (const ServiceInfo* service : all_services()) {
    if (!service->target_prefix.empty() &&
        target.substr(0, target.rfind('.')) == service->target_prefix) {
      return service;
    }
  }
  // All paths of REST services begin with a year; the Query protocol's is "/".
  return request.target.starts_with("/20") ? find_service("lambda") : nullptr;
}

Result<JsonRequest> read_json_request(const ServiceInfo& service, const net::HttpRequest& request) {
  auto out = service.routes.empty() ? read_target(service, request) : read_rest(service, request);
  if (out) {
    out->headers = &request.headers;
    out->body = request.body;
  }
  return out;
}

}  // namespace trivet::api
