// SPDX-License-Identifier: Apache-2.0
//
// May this login in with its token? One answer, one reason, one line in the log. Everything is
// decided on two immutable snapshots, identities and databases: no store, no lock that an API call
// could hold. What a token's signature proved is remembered (proved_tokens.h).
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "core/token/db_token.h"
#include "core/token/explain.h"
#include "core/wire/token_frame.h"
#include "model/audit.h"
#include "model/ids.h"
#include "service/iam_service.h"
#include "service/login_history.h"
#include "service/login_rules.h"
#include "service/proved_tokens.h"
#include "service/sealer.h"
#include "service/signing_keys.h"

namespace trivet::service {

// What logins need to know of the databases. Immutable; made by the cluster service after every
// change.
struct DatabaseFacts {
  struct Database {
    std::string resource_id;  // "cluster-…": what policies name
    bool iam_authentication = false;
    // The endpoints under which this member may be reached: the cluster's two and its members'.
    std::vector<token::AllowedHost> hosts;
    std::string cluster{};  // its identifier, for records
    friend bool operator==(const Database&, const Database&) = default;
  };
  std::map<MemberId, Database> databases;  // one for each member
  friend bool operator==(const DatabaseFacts&, const DatabaseFacts&) = default;
};

// Why a login was refused: token::Reason's names, and these that only the caller of core/token can
// find.
inline constexpr std::string_view kReasonNoTls = "no-tls";
inline constexpr std::string_view kReasonUnknownDatabase = "unknown-database";
inline constexpr std::string_view kReasonIamDisabled = "iam-disabled";
inline constexpr std::string_view kReasonPrincipalDeleted = "principal-deleted";
inline constexpr std::string_view kReasonImplicitDeny = "implicit-deny";
inline constexpr std::string_view kReasonExplicitDeny = "explicit-deny";
inline constexpr std::string_view kReasonRole = "role-not-allowed";

struct LoginVerdict {
  bool allowed = false;
  std::string principal_arn;  // when allowed, and when the token was proved but the policy said no
  std::string reason;         // empty when allowed; one of the names above or of token::to_string
  std::string detail;         // one line for the operator
  std::string aws_text;       // RDS's iam-db-auth-error line without its time; empty when allowed
  int aws_status = 200;       // RDS's status code of it
  std::string session_name;   // of the principal, when it is a session
  // The MySQL account whose privileges the session gets, by the principal's tag; empty: its own.
  std::string role;
  std::string cluster;        // of the member
  DecidedBy decided_by;       // when the policies were asked
  std::string access_key_id;  // as claimed, as soon as the token's text has named one
  // How often the token was used, with this login; 0: it did not get so far. One that was used
  // before: when and from which address first.
  std::int64_t token_uses = 0;
  WallTime token_first_used{};
  std::string token_first_from;
  Millis answer_after{0};  // a refusal's answer waits so long, so that guessing is slow
};

// A login that was let in, for whoever looks after the session. A view.
struct AllowedLogin {
  const MemberId& member;
  const wire::TokenRequest& request;
  const ProvedToken& proved;
  ContextKeys context;  // that rds-db:connect was decided with
  WallTime now{};
};

// Thread-safe: verify() may be called from any thread and takes microseconds.
class TokenVerifier {
 public:
  struct Options {
    const IamService& identities;  // outlives the verifier
    std::shared_ptr<const Sealer> sealer;
    token::TokenLimits limits{};
    const LoginRulesBook* rules = nullptr;  // outlives the verifier; null: the defaults for all
    WallTime begun{};                       // of this process: nothing is known of logins before
    // Hears of each login that was allowed where the rules look after sessions, before mysqld does.
    // May be empty; cheap.
    std::function<void(const AllowedLogin&)> on_allowed{};
  };
  explicit TokenVerifier(Options options)
      : options_(std::move(options)),
        history_(options_.begun),
        databases_(std::make_shared<const DatabaseFacts>()) {}

  // One caller at a time.
  void set_databases(std::shared_ptr<const DatabaseFacts> databases);

  // `member`: whose mysqld asks, known from the socket on which it asked. Writes nothing:
  // whoever asks records the verdict.
  LoginVerdict verify(const MemberId& member, const wire::TokenRequest& request,
                      WallTime now) const;

  // All checks of verify() but TLS, for people: what it would say and why. Leaves no trace. An
  // empty `user` is the one that the token names.
  token::Explanation explain(const MemberId& member, std::string_view user, std::string_view text,
                             WallTime now) const;

 private:
  struct Login;  // what one is decided on
  using Proof = std::variant<std::shared_ptr<const ProvedToken>, LoginVerdict>;

  std::string cluster_of(const MemberId& member) const;
  LoginVerdict decide(Login& login) const;
  // A token that says what it must, of a key that there is. Not the policy.
  Proof prove(Login& login) const;
  Proof prove_signature(Login& login, std::string digest) const;  // unless it was proved before
  // Which MySQL role the principal's tag asks for, and whether the account may have it.
  static void take_role(const Login& login, const ProvedToken& proved, LoginVerdict& verdict);
  // May its principal log in so often, and the token be used again? The last step of all.
  void use_token(const Login& login, const ProvedToken& proved, LoginVerdict& verdict) const;

  const Options options_;
  mutable ProvedTokens proved_;
  mutable SigningKeys signing_keys_;
  mutable LoginHistory history_;
  std::atomic<std::shared_ptr<const DatabaseFacts>> databases_;
};

}  // namespace trivet::service
