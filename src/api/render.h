// SPDX-License-Identifier: Apache-2.0
//
// The envelopes around what an action answers: the Query protocol's (RDS, IAM, STS), EC2's and
// those of JSON services, for results and for errors. Every response carries its request id as
// x-amzn-requestid, and in XML in the body too.
#pragma once

#include <string>
#include <string_view>

#include "api/error_map.h"
#include "api/json_answer.h"
#include "api/service_info.h"
#include "base/xml_writer.h"
#include "net/http_types.h"

namespace trivet::api {

struct Envelope {
  const ServiceInfo& service;
  std::string_view action;
  std::string_view request_id;
  bool has_result = true;  // does the action have output? If not there is no Result element.
};

// Everything up to the place of the first member, and what comes behind the last one.
void open_envelope(XmlWriter& xml, const Envelope& envelope);
void close_envelope(XmlWriter& xml, const Envelope& envelope);

// 200 with `body`, which an envelope surrounds.
net::HttpResponse render_result(std::string body, std::string_view request_id);
net::HttpResponse render_json_result(const ServiceInfo& service, JsonAnswer answer,
                                     std::string_view request_id);
// `service` may be nullptr: then the form is the Query protocol's without a namespace.
net::HttpResponse render_error(const ServiceInfo* service, const AwsError& error,
                               std::string_view request_id);

// What the HTTP server refuses before there is a call, as clients of AWS's APIs can read it;
// logged.
net::HttpResponse render_refusal(int status, std::string_view reason);

}  // namespace trivet::api
