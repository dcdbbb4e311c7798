// SPDX-License-Identifier: Apache-2.0
#include "api/render.h"

#include <utility>

namespace trivet::api {
namespace {

net::HttpResponse response(int status, std::string body, std::string_view request_id) {
  net::HttpResponse out;
  out.status = status;
  out.headers = {{"x-amzn-requestid", std::string(request_id)}, {"Content-Type", "text/xml"}};
  out.body = std::move(body);
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

net::HttpResponse render_error(const ServiceInfo* service, const AwsError& error,
                               std::string_view request_id) {
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

}  // namespace trivet::api
