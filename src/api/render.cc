// SPDX-License-Identifier: Apache-2.0
#include "api/render.h"

#include <utility>

#include "api/json_writer.h"
#include "base/log.h"
#include "base/random.h"

namespace trivet::api {
namespace {

net::HttpResponse response(int status, std::string body, std::string_view request_id) {
  net::HttpResponse out;
  out.status = status;
  out.headers = {{"x-amzn-requestid", std::string(request_id)}, {"Content-Type", "text/xml"}};
  out.body = std::move(body);
  return out;
}

std::string_view json_type(const ServiceInfo& service) {
  return service.target_prefix.empty() ? "application/json" : "application/x-amz-json-1.1";
}

// Lambda says the error's name in a header and who is to blame in the body, CloudWatch Logs says
// the name in the body.
net::HttpResponse json_error(const ServiceInfo& service, const AwsError& error,
                             std::string_view request_id) {
  net::HttpResponse out;
  out.status = error.status;
  out.headers = {{"x-amzn-requestid", std::string(request_id)},
                 {"Content-Type", std::string(json_type(service))}};
  JsonWriter json;
  json.open_object();
  if (service.target_prefix.empty()) {
    out.headers.emplace_back("x-amzn-ErrorType", error.code);
    put(json, "Type", std::string(error.is_sender() ? "User" : "Service"));
  } else {
    put(json, "__type", error.code);
  }
  put(json, error.message_member, error.message);
  if (!error.reason.empty()) {
    put(json, "Reason", error.reason);
  }
  json.close();
  out.body = json.take();
  return out;
}

}  // namespace

void open_envelope(XmlWriter& xml, const Envelope& envelope) {
  const std::string action(envelope.action);
  xml.open(action + "Response", envelope.service.xml_namespace);
  if (envelope.service.kind == ServiceKind::kEc2) {
    xml.element("requestId", envelope.request_id);
    if (!envelope.has_result) {
      xml.element("return", "true");
    }
  } else if (envelope.has_result) {
    xml.open(action + "Result");
  }
}

void close_envelope(XmlWriter& xml, const Envelope& envelope) {
  if (envelope.service.kind != ServiceKind::kEc2) {
    if (envelope.has_result) {
      xml.close();
    }
    xml.open("ResponseMetadata");
    xml.element("RequestId", envelope.request_id);
    xml.close();
  }
  xml.close();
}

net::HttpResponse render_result(std::string body, std::string_view request_id) {
  return response(200, std::move(body), request_id);
}

net::HttpResponse render_json_result(const ServiceInfo& service, JsonAnswer answer,
                                     std::string_view request_id) {
  net::HttpResponse out;
  out.status = answer.status;
  out.headers = std::move(answer.headers);
  out.headers.emplace_back("x-amzn-requestid", std::string(request_id));
  if (answer.status != 204) {
    out.headers.emplace_back("Content-Type", std::string(json_type(service)));
  }
  out.body = std::move(answer.body);
  return out;
}

net::HttpResponse render_error(const ServiceInfo* service, const AwsError& error,
                               std::string_view request_id) {
  if (service != nullptr && service->is_json()) {
    return json_error(*service, error, request_id);
  }
  XmlWriter xml;
  if (service != nullptr && service->kind == ServiceKind::kEc2) {
    xml.open("Response");
    xml.open("Errors");
    xml.open("Error");
    xml.element("Code", error.code);
    xml.element("Message", error.message);
    xml.close();
    xml.close();
    xml.element("RequestID", request_id);
    xml.close();
    return response(error.status, xml.take(), request_id);
  }
  if (service != nullptr) {
    xml.open("ErrorResponse", service->xml_namespace);
  } else {
    xml.open("ErrorResponse");
  }
  xml.open("Error");
  xml.element("Type", error.is_sender() ? "Sender" : "Receiver");
  xml.element("Code", error.code);
  xml.element("Message", error.message);
  xml.close();
  xml.element("RequestId", request_id);
  xml.close();
  return response(error.status, xml.take(), request_id);
}

net::HttpResponse render_refusal(int status, std::string_view reason) {
  const std::string_view code = status == 413   ? "RequestEntityTooLarge"
                                : status == 500 ? "InternalFailure"
                                : status == 503 ? "ServiceUnavailable"
                                                : "MalformedInput";
  const std::string request_id = random_uuid();
  log(Level::kInfo, "api.not_a_call",
      {{"request_id", request_id}, {"status", status}, {"reason", reason}});
  return render_error(nullptr, {std::string(code), status, std::string(reason)}, request_id);
}

}  // namespace trivet::api
