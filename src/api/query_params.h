// SPDX-License-Identifier: Apache-2.0
//
// The parameters of an AWS Query call: a form in the body of a POST, or the query string of a GET.
// Decoding is strict: what cannot be read in exactly one way is refused, because it decides what is
// authorised.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/uri.h"
#include "net/http_types.h"

namespace trivet::api {

// Names and values, each name once. Plain value; thread-compatible.
class QueryParams {
 public:
  QueryParams() = default;
  // InvalidQueryParameter when a name comes twice; MalformedQueryString when something is not UTF-8
  // or there are more than kParametersMax.
  static Result<QueryParams> from(QueryParameters parameters);

  // nullptr when the parameter was not sent. Valid while this object lives.
  const std::string* find(std::string_view name) const;
  // "" when it was not sent.
  std::string_view get(std::string_view name) const;
  // Is there a parameter whose name starts so?
  bool has_prefix(std::string_view prefix) const;
  // The numbers N of the parameters `prefix`N and `prefix`N.…, ascending. InvalidParameterValue
  // when what follows the prefix is not a number from 1 to kListIndexMax.
  Result<std::vector<int>> indices(std::string_view prefix) const;
  const std::map<std::string, std::string, std::less<>>& all() const { return values_; }

  static constexpr std::size_t kParametersMax = 5000;
  static constexpr int kListIndexMax = 100000;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

// The parameters of `request`, those of the query string and of the body together, without the
// X-Amz-* ones that carry a presigned request's authentication. Faults: MalformedQueryString,
// InvalidQueryParameter, UnsupportedMediaType (a body that is not a form in UTF-8).
Result<QueryParams> read_query_params(const net::HttpRequest& request);

}  // namespace trivet::api
