// SPDX-License-Identifier: Apache-2.0
//
// Checks of login tokens in a second of one core's time: the check alone (text, key, signature,
// host, user, time) with the signing key derived each time and with it remembered, for a token of a
// user (360 bytes) and of a role's session; then the verifier whole, with policy, memory of tokens
// and a line of log, for tokens that are new and for one that was proved before. All in turns
// within a round.
//
//   verifier_bench [--rounds N] [--checks N] [--targets 0|1]
//
// With --targets 1 (the default) it ends with status 1 where a target is missed.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapter/store_memory/store.h"
#include "base/log.h"
#include "bench/arguments.h"
#include "core/token/make.h"
#include "service/iam_service.h"
#include "service/sealer.h"
#include "service/token_verifier.h"

namespace trivet::bench {
namespace {

constexpr const char* kHost = "demo.cluster-abcdefghijkl.us-east-1.rds.trivet.internal";
constexpr const char* kPolicy =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"rds-db:connect",)"
    R"("Resource":"arn:aws:rds-db:*:*:dbuser:*/*"}]})";
const WallTime kNow = wall_time_from_ms(1'767'323'045'000);
const Realm kRealm{.account = AccountId("123456789012")};

struct Figure {
  std::string name;
  double target = 0;               // a second; 0: none
  std::function<void(int)> check;  // the i-th
  std::vector<double> rates{};
};

// Of this thread: what others do with the machine does not count.
double processor_seconds() {
  timespec time{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) {
    fail("this thread's processor time cannot be read");
  }
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// One check of core/token.
class Check {
 public:
  Check(std::string session_token, bool is_key_remembered)
      : session_token_(std::move(session_token)), is_key_remembered_(is_key_remembered) {
    token_ = token::make_db_token({.host = kHost, .db_user = "jane", .region = "us-east-1"},
                                  {key_id(), SecretString(kSecret), session_token_}, kNow);
    server_.realm = kRealm;
    server_.hosts = {*token::parse_allowed_host(std::string(kHost) + ":3306")};
    server_.resource_id = "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    server_.login_user = "jane";
    known_ = sigv4::signing_key(kSecret, {"20260102", "us-east-1", "rds-db"});
  }
  std::size_t bytes() const { return token_.size(); }
  void operator()() const {
    const auto verdict = token::check_db_token(
        token_, server_, kNow, [this](const std::string&, const std::optional<std::string>&) {
          token::KeyFacts facts;
          facts.status = token::KeyFacts::Status::kActive;
          facts.secret = SecretString(kSecret);
          facts.is_session_token_valid = true;
          if (is_key_remembered_) {
            facts.signing_key = [this](std::string_view, const sigv4::Scope&) { return known_; };
          }
          return facts;
        });
    if (!std::holds_alternative<token::Accepted>(verdict)) {
      fail("the token must be good: " + std::get<token::Rejection>(verdict).detail);
    }
  }

 private:
  static constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  std::string key_id() const {
    return session_token_.empty() ? "AKIAIOSFODNN7EXAMPLE" : "ASIAIOSFODNN7EXAMPLE";
  }
  const std::string session_token_;
  const bool is_key_remembered_;
  std::string token_;
  std::string known_;
  token::ServerFacts server_;
};

// The daemon's part of a login without its socket.
class Verifier {
 public:
  explicit Verifier(int tokens) {
    must(identities_->create_user({.name = "ana"}, kNow));
    must(identities_->put_inline_policy({service::EntityRef::Kind::kUser, "ana"}, "p", kPolicy));
    const auto key = must(identities_->create_access_key("ana", kNow));
    auto facts = std::make_shared<service::DatabaseFacts>();
    facts->databases[member_] = {
        .resource_id = "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        .iam_authentication = true,
        .hosts = {*token::parse_allowed_host(std::string(kHost) + ":3306")}};
    verifier_.set_databases(facts);
    const sigv4::Credentials credentials{key.record.id.str(), key.secret.copy(), ""};
    for (int i = 0; i < tokens; ++i) {
      users_.push_back("u" + std::to_string(i));
      tokens_.push_back(token::make_db_token(
          {.host = kHost, .db_user = users_.back(), .region = "us-east-1"}, credentials, kNow));
    }
  }
  void operator()(int i) const {
    const auto at = static_cast<std::size_t>(i) % tokens_.size();
    wire::TokenRequest request;
    request.is_tls = true;
    request.user = users_[at];
    request.peer_address = "127.0.0.1";
    request.token = tokens_[at];
    const auto verdict = verifier_.verify(member_, request, kNow);
    if (!verdict.allowed) {
      fail("the login must be allowed: " + verdict.detail);
    }
  }

 private:
  const MemberId member_{"demo-instance-1"};
  store_memory::MemoryStore store_;
  const std::shared_ptr<const service::Sealer> sealer_ =
      must(service::Sealer::create(SecretString(std::string(service::Sealer::kKeyBytes, 'k'))));
  std::unique_ptr<service::IamService> identities_ =
      must(service::IamService::open({.store = &store_, .sealer = sealer_, .realm = kRealm}));
  service::TokenVerifier verifier_{{.identities = *identities_, .sealer = sealer_}};
  std::vector<std::string> users_;
  std::vector<std::string> tokens_;
};

int run(const Arguments& arguments) {
  const int rounds = arguments.number("rounds", 21);
  const int checks = arguments.number("checks", 5'000);
  // As in a daemon, where a line of log goes to a file.
  if (!configure_log({.file = "/dev/null"})) {
    fail("the log cannot be opened");
  }
  const std::string session_token(600, 'a');
  const Check of_user("", false);
  const Check of_user_known("", true);
  const Check of_session(session_token, false);
  const Check of_session_known(session_token, true);
  // More than are remembered as proved, so that each is new when it comes again.
  const Verifier fresh(4'096);
  const Verifier again(1);
  const std::string user = std::to_string(of_user.bytes()) + " bytes";
  const std::string session = std::to_string(of_session.bytes()) + " bytes";
  std::vector<Figure> figures = {
      {"check, " + user, 90'000, [&](int) { of_user(); }},
      {"check, " + user + ", signing key remembered", 250'000, [&](int) { of_user_known(); }},
      {"check, " + session, 90'000, [&](int) { of_session(); }},
      {"check, " + session + ", signing key remembered", 0, [&](int) { of_session_known(); }},
      {"login, a new token", 0, [&](int i) { fresh(i); }},
      {"login, a token that was proved", 0, [&](int i) { again(i); }},
  };
  int done = 0;
  for (int round = 0; round < rounds; ++round, done += checks) {
    for (Figure& figure : figures) {
      const double begun = processor_seconds();
      for (int i = 0; i < checks; ++i) {
        figure.check(done + i);
      }
      figure.rates.push_back(checks / (processor_seconds() - begun));
    }
  }
  bool is_missed = false;
  for (const Figure& figure : figures) {
    const double rate = median(figure.rates);
    std::printf("%-48s %8.0f/s", figure.name.c_str(), rate);
    if (figure.target > 0) {
      const bool is_short = rate < figure.target;
      std::printf("  target %.0f/s, ratio %.2f%s", figure.target, rate / figure.target,
                  is_short ? "  MISSED" : "");
      is_missed = is_missed || is_short;
    }
    std::printf("\n");
  }
  return is_missed && arguments.number("targets", 1) != 0 ? 1 : 0;
}

}  // namespace
}  // namespace trivet::bench

int main(int argc, char** argv) {
  return trivet::bench::run(trivet::bench::Arguments(argc, argv));
}
