// SPDX-License-Identifier: Apache-2.0
#include "core/token/explain.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/iso8601.h"
#include "core/token/steps.h"

namespace trivet::token {
namespace {

using steps::Wrong;

// Every check that needs the token's parameters, in order.
constexpr std::array<std::string_view, 16> kOfParameters = {
    "algorithm", "signed-headers", "credential", "service", "region",        "action",
    "date",      "scope-date",     "lifetime",   "key",     "session-token", "signature",
    "host",      "user",           "time",       "session"};

std::string seconds_text(Millis span) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(span).count()) + " s";
}

// One explanation while it is made.
class Explainer {
 public:
  Explainer(const ServerFacts& server, WallTime now) : server_(server), now_(now) {}

  Explanation run(std::string_view given, const KeyLookup& lookup);

 private:
  // Notes the check; true when nothing is wrong.
  bool note(std::string_view name, const Wrong& wrong, std::string right);
  void skip(std::string_view name) { out_.not_checked.push_back(name); }
  void skip_from(std::string_view name);
  std::optional<QueryParameters> read_text(std::string_view text);
  void check_fields(const steps::Fields& fields, const QueryParameters& pairs);
  void check_proof(const KeyFacts& key);
  void check_binding();
  void check_time(const KeyFacts& key);

  const ServerFacts& server_;
  const WallTime now_;
  DbToken token_;
  bool has_host_ = false;
  bool has_credential_ = false;
  bool has_date_ = false;
  bool has_lifetime_ = false;
  Explanation out_;
};

bool Explainer::note(std::string_view name, const Wrong& wrong, std::string right) {
  if (wrong) {
    out_.wrong(name, to_string(wrong->reason), wrong->detail);
  } else {
    out_.right(name, std::move(right));
  }
  return !wrong;
}

void Explainer::skip_from(std::string_view name) {
  bool is_reached = false;
  for (const std::string_view each : kOfParameters) {
    is_reached = is_reached || each == name;
    if (is_reached) {
      skip(each);
    }
  }
}

std::optional<QueryParameters> Explainer::read_text(std::string_view text) {
  const std::string bytes = std::to_string(text.size()) + " bytes";
  if (!note("length", steps::check_length(text, server_.limits), bytes) ||
      !note("text", steps::check_text(text), "printable, with a query")) {
    return std::nullopt;
  }
  const auto question = text.find('?');
  const auto wrong_host = steps::read_host(text.substr(0, question), token_);
  has_host_ = note("host-form", wrong_host, "made for " + log_quoted(token_.host_text));
  auto query = steps::read_query(text.substr(question + 1));
  if (const auto* wrong = std::get_if<Rejection>(&query)) {
    note("query", *wrong, "");
    return std::nullopt;
  }
  auto& pairs = std::get<QueryParameters>(query);
  note("query", {}, std::to_string(pairs.size()) + " parameters, none twice");
  return std::move(pairs);
}

void Explainer::check_fields(const steps::Fields& fields, const QueryParameters& pairs) {
  note("algorithm", steps::check_algorithm(fields), "AWS4-HMAC-SHA256");
  note("signed-headers", steps::check_signed_headers(fields), "host");
  const auto wrong_credential = steps::read_credential(fields, token_);
  has_credential_ = note("credential", wrong_credential,
                         "access key " + log_quoted(token_.access_key_id) + ", scope " +
                             log_quoted(token_.scope.str()));
  if (has_credential_) {
    note("service", steps::check_service(token_), "rds-db");
    note("region", steps::check_region(token_, server_), log_quoted(token_.scope.region));
  } else {
    skip("service");
    skip("region");
  }
  note("action", steps::check_action(fields), "connect");
  const auto wrong_date = steps::read_date(fields, token_);
  has_date_ = note("date", wrong_date, "signed at " + format_iso8601(token_.signed_at));
  if (has_date_ && has_credential_) {
    note("scope-date", steps::check_scope_date(token_), "the day of the date");
  } else {
    skip("scope-date");
  }
  const auto wrong_lifetime = steps::read_lifetime(fields, server_.limits, token_);
  has_lifetime_ =
      note("lifetime", wrong_lifetime, "good for " + std::to_string(token_.expires_s) + " s");
  steps::take_fields(fields, pairs, token_);
  out_.db_user = token_.db_user;
}

// What the key proves.
void Explainer::check_proof(const KeyFacts& key) {
  const bool is_known = key.status != KeyFacts::Status::kUnknown;
  note("key", steps::check_key(token_, key),
       "access key " + log_quoted(token_.access_key_id) + " is active");
  bool is_proof_there = is_known && has_host_ && has_date_;
  if (is_known) {
    const bool is_right = note(
        "session-token", steps::check_session_token(token_, key),
        token_.session_token ? "belongs to this access key" : "none, as a long-lived key has none");
    // The secret of a session is in its token.
    is_proof_there = is_proof_there && (is_right || !key.secret.empty());
  } else {
    skip("session-token");
  }
  if (!is_proof_there) {
    skip("signature");
    return;
  }
  const auto host = steps::signed_host(token_, key);
  note("signature", host ? Wrong() : Wrong(steps::bad_signature(token_)),
       "made with this key, for " + log_quoted(host.value_or("")));
}

// Is it for this server and this user?
void Explainer::check_binding() {
  if (has_host_) {
    note("host", steps::check_host(token_, server_),
         log_quoted(token_.host_text) + " is a name of this server");
  } else {
    skip("host");
  }
  if (server_.login_user.empty()) {
    out_.right("user", "for logins as " + log_quoted(token_.db_user));
  } else {
    note("user", steps::check_user(token_, server_), log_quoted(token_.db_user));
  }
}

void Explainer::check_time(const KeyFacts& key) {
  if (has_date_ && has_lifetime_) {
    const Millis age = now_ - token_.signed_at;
    const std::string signed_when =
        age < Millis(0) ? seconds_text(-age) + " in the future" : seconds_text(age) + " ago";
    const Millis left = std::chrono::seconds(token_.expires_s) - age;
    note("time",
         check_times({token_.signed_at, token_.expires_s, std::nullopt}, server_.limits, now_),
         "signed " + signed_when + ", good for another " + seconds_text(left));
  } else {
    skip("time");
  }
  if (key.status == KeyFacts::Status::kUnknown) {
    skip("session");
    return;
  }
  if (!key.session_expires) {
    out_.right("session", "the credentials behind it do not expire");
    return;
  }
  note("session", check_times({now_, 1, key.session_expires}, server_.limits, now_),
       "the temporary credentials behind it live until " + format_iso8601(*key.session_expires));
}

Explanation Explainer::run(std::string_view given, const KeyLookup& lookup) {
  const std::string_view text = steps::stripped(given, server_.limits);
  if (const auto pairs = read_text(text)) {
    const auto fields = steps::read_fields(*pairs);
    if (const auto* wrong = std::get_if<Rejection>(&fields)) {
      note("parameters", *wrong, "");
      skip_from("algorithm");
    } else {
      note("parameters", {}, "all that a token must have");
      check_fields(std::get<steps::Fields>(fields), *pairs);
      if (has_credential_) {
        const KeyFacts key = lookup(token_.access_key_id, token_.session_token);
        check_proof(key);
        check_binding();
        check_time(key);
      } else {
        skip_from("key");
      }
    }
  } else {
    skip("parameters");
    skip_from("algorithm");
  }
  // Whether that comes before what was found is the verifier's to say.
  const ParsedToken parsed = parse_db_token(given, server_);
  const auto* wrong = std::get_if<Rejection>(&parsed);
  if (wrong != nullptr && wrong->reason == Reason::kTruncated) {
    Rejection cut = *wrong;
    out_.reason = to_string(cut.reason);
    const auto first = std::find_if(out_.checks.begin(), out_.checks.end(),
                                    [](const Check& check) { return !check.ok; });
    if (first != out_.checks.end()) {
      first->detail = std::move(cut.detail);
    }
  }
  return std::move(out_);
}

void append_text(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20) {
      out += "\\u00";
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 0xFU];
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
    }
    out += c;
  }
  out += '"';
}

}  // namespace

void Explanation::right(std::string_view name, std::string detail) {
  checks.push_back({name, true, std::move(detail)});
}

void Explanation::wrong(std::string_view name, std::string_view why, std::string detail) {
  if (is_accepted()) {
    reason = why;
  }
  checks.push_back({name, false, std::move(detail)});
}

Explanation explain_db_token(std::string_view text, const ServerFacts& server, WallTime now,
                             const KeyLookup& lookup) {
  return Explainer(server, now).run(text, lookup);
}

std::string to_json(const Explanation& explanation) {
  std::string out = R"({"verdict":)";
  append_text(out, explanation.is_accepted() ? "accept" : "reject");
  out += R"(,"reason":)";
  append_text(out, explanation.reason);
  out += R"(,"checks":[)";
  for (const Check& check : explanation.checks) {
    out += out.back() == '[' ? "" : ",";
    out += R"({"name":)";
    append_text(out, check.name);
    out += check.ok ? R"(,"ok":true,"detail":)" : R"(,"ok":false,"detail":)";
    append_text(out, check.detail);
    out += '}';
  }
  out += R"(],"not_checked":[)";
  for (const std::string_view name : explanation.not_checked) {
    out += out.back() == '[' ? "" : ",";
    append_text(out, name);
  }
  return out + "]}";
}

}  // namespace trivet::token
