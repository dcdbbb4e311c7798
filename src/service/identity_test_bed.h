// SPDX-License-Identifier: Apache-2.0
//
// An installation in memory for tests: store, sealer, IAM, STS, and short ways to fill them. Only
// included by tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "adapter/store_memory/store.h"
#include "base/iso8601.h"
#include "core/sigv4/sign.h"
#include "service/iam_service.h"
#include "service/identity_access.h"
#include "service/sts_service.h"

namespace trivet::service {

inline const WallTime kNow = *parse_iso8601("2026-01-02T03:04:05Z");
inline constexpr const char* kAccount = "123456789012";
inline constexpr const char* kAllowAll =
    R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})";

inline std::string statement(std::string_view effect, std::string_view action,
                             std::string_view resource) {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":")" + std::string(effect) +
         R"(","Action":")" + std::string(action) + R"(","Resource":")" + std::string(resource) +
         R"("}]})";
}

inline std::string trust(std::string_view principal, std::string_view condition = "") {
  return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":")" +
         std::string(principal) +
         R"("},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"])" +
         (condition.empty() ? "" : R"(,"Condition":)" + std::string(condition)) + "}]}";
}

class IdentityBed {
 public:
  IdentityBed() { reopen(); }
  // As a restart: everything again from the store.
  void reopen() {
    sts_ = nullptr;
    iam_ = nullptr;
    auto opened = IamService::open(
        {.store = &store_, .sealer = sealer_, .realm = {.account = AccountId(kAccount)}});
    EXPECT_TRUE(opened) << opened.error().message;
    iam_ = std::move(*opened);
    sts_ = std::make_unique<StsService>(*iam_, sealer_);
  }
  IamService& iam() { return *iam_; }
  StsService& sts() { return *sts_; }
  store_memory::MemoryStore& store() { return store_; }
  const std::shared_ptr<const Sealer>& sealer() const { return sealer_; }

  IamUser user(const std::string& name, const std::string& path = "/") {
    auto made = iam_->create_user({.name = name, .path = path}, kNow);
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }
  IamRole role(const std::string& name, const std::string& trust_policy) {
    auto made = iam_->create_role({.name = name, .trust_policy = trust_policy}, kNow);
    EXPECT_TRUE(made) << made.error().message;
    return *made;
  }
  void allow(const EntityRef& entity, const std::string& document,
             const std::string& name = "inline") {
    const Status put = iam_->put_inline_policy(entity, name, document);
    EXPECT_TRUE(put) << put.error().message;
  }
  // A new key of the user (empty: root) as something to sign with, and as the principal it stands
  // for.
  sigv4::Credentials key(const std::string& user_name) {
    auto made = iam_->create_access_key(user_name, kNow);
    EXPECT_TRUE(made) << made.error().message;
    return {made->record.id.str(), std::move(made->secret), ""};
  }
  Principal principal(const sigv4::Credentials& credentials) {
    const auto token = credentials.session_token.empty()
                           ? std::nullopt
                           : std::optional<std::string_view>(credentials.session_token);
    return look_up_key(*iam_->snapshot(), *sealer_, credentials.access_key_id, token).principal;
  }
  static sigv4::Credentials signer(const SessionCredentials& made) {
    return {made.access_key_id.str(), made.secret.copy(), made.session_token};
  }

 private:
  store_memory::MemoryStore store_;
  std::shared_ptr<const Sealer> sealer_ = *Sealer::create(SecretString(std::string(32, 'k')));
  std::unique_ptr<IamService> iam_;
  std::unique_ptr<StsService> sts_;
};

inline EntityRef user_ref(std::string name) {
  return {EntityRef::Kind::kUser, std::move(name)};
}
inline EntityRef role_ref(std::string name) {
  return {EntityRef::Kind::kRole, std::move(name)};
}

// The fault's name, "" for success.
template <typename R>
std::string fault_of(const R& result) {
  return result ? "" : std::string(result.error().fault);
}
template <typename R>
std::string message_of(const R& result) {
  return result ? "" : result.error().message;
}

}  // namespace trivet::service
