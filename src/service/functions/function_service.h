// SPDX-License-Identifier: Apache-2.0
//
// Lambda's API, without its wire: functions, versions, aliases, layers, policies and settings. All
// faults and texts are AWS's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "base/mutex.h"
#include "core/policy/evaluate.h"
#include "ports/function_code.h"
#include "ports/function_runtime.h"
#include "service/functions/book.h"
#include "service/functions/wishes.h"
#include "service/iam_service.h"
#include "service/network_state.h"

namespace trivet::functions {

// A version of a function as calls see it. Its environment is clear: move-only.
struct FunctionView {
  std::string name;
  std::string arn;  // as it was asked for: with a qualifier, if there was one
  FunctionVersion version;
  Environment environment;
};
struct AliasView {
  std::string arn;
  FunctionAlias alias;
};
// What is to run for a call.
struct Resolved {
  std::shared_ptr<const BookState> state;  // keeps `entry` alive
  const FunctionEntry* entry = nullptr;
  const FunctionVersion* version = nullptr;
  const FunctionAlias* alias = nullptr;  // nullptr: none was asked for
};

// Thread-safe. Calls block on the store; those with an archive for seconds. What Needs refers to
// outlives it.
class FunctionService {
 public:
  struct Needs {
    FunctionBook& book;
    FunctionCodeStore& code;
    service::IamService& iam;
    service::NetworkStore& network;
    std::shared_ptr<const Sealer> sealer;
    Realm realm;
    const Clock& clock;
    Executor& worker;  // where new versions become active and code that nobody uses is removed
    FunctionRuntime* runtime = nullptr;  // nullptr: nothing runs here
    // Why functions cannot have network interfaces here; empty: they can.
    std::function<std::string()> why_no_network = [] { return std::string(); };
  };
  explicit FunctionService(Needs needs) : needs_(std::move(needs)) {}

  // Ends what a killed daemon left half-done. Once, before any other call.
  void start();

  const Realm& realm() const { return needs_.realm; }
  std::shared_ptr<const BookState> state() const { return needs_.book.state(); }

  Result<FunctionView> create(CreateFunction wish);
  Result<FunctionView> update_code(const UpdateCode& wish);
  Result<FunctionView> update_configuration(const std::string& name, ConfigurationWish wish,
                                            const std::string& revision_id);
  // `qualifier` empty: the function with everything that belongs to it.
  Status remove(const std::string& name, const std::string& qualifier);
  Result<FunctionView> get(const std::string& name, const std::string& qualifier) const;
  Result<std::string> archive(const CodeRef& code) const { return needs_.code.archive(code.id); }
  // By name; with `all_versions` each of them.
  Result<std::vector<FunctionView>> list(bool all_versions) const;
  Result<std::vector<FunctionView>> versions(const std::string& name) const;
  Result<FunctionView> publish(const PublishVersion& wish);

  Result<AliasView> create_alias(const std::string& function, const AliasWish& wish);
  Result<AliasView> update_alias(const std::string& function, const AliasWish& wish);
  Result<AliasView> get_alias(const std::string& function, const std::string& alias) const;
  Result<std::vector<AliasView>> aliases(const std::string& function) const;
  Status remove_alias(const std::string& function, const std::string& alias);

  Result<LayerVersion> publish_layer(const PublishLayer& wish);
  Result<LayerVersion> get_layer(const std::string& name, std::int64_t number) const;
  Status remove_layer(const std::string& name, std::int64_t number);

  // The statement, as it is shown.
  Result<std::string> add_permission(const std::string& function, const std::string& qualifier,
                                     const PermissionWish& wish);
  Status remove_permission(const std::string& function, const std::string& qualifier,
                           const std::string& statement_id, const std::string& revision_id);
  // The policy as JSON, and the revision of what it is on.
  Result<std::pair<std::string, std::string>> policy(const std::string& function,
                                                     const std::string& qualifier) const;
  // What decides beside identity policies; empty: there is no policy.
  std::vector<policy::NamedPolicy> resource_policies(const std::string& function,
                                                     const std::string& qualifier) const;

  Result<Tags> tags(const std::string& function) const;
  Status change_tags(const std::string& function, const std::function<void(Tags&)>& change);
  Status set_reserved_concurrency(const std::string& function, std::optional<std::int32_t> count);
  // AWS's "unreserved concurrency" of the account.
  std::int32_t unreserved_concurrency() const;
  Result<EventInvokeConfig> set_event_config(const std::string& function,
                                             const std::string& qualifier,
                                             const EventConfigWish& wish, bool replaces);
  Result<EventInvokeConfig> event_config(const std::string& function,
                                         const std::string& qualifier) const;
  Status remove_event_config(const std::string& function, const std::string& qualifier);

  // Faults: ResourceNotFoundException.
  Result<Resolved> resolve(const std::string& name, const std::string& qualifier) const;
  // What the runtime needs to run it. kCorrupt when the variables do not open.
  Result<FunctionImage> image_of(const std::string& name, const FunctionVersion& version) const;

  // Does a function have its interfaces there?
  bool uses_subnet(const std::string& subnet_id) const;
  bool uses_security_group(const std::string& group_id) const;
  Status reseal() { return needs_.book.reseal(*needs_.sealer); }

 private:
  using Edit = std::function<Status(const BookState&, Function&)>;

  Status check_new(const CreateFunction& wish) const;
  Status check_place(const std::string& role_arn, const std::string& function_arn,
                     const std::optional<VpcWish>& vpc) const;
  Status apply(const BookState& state, const std::string& name, const ConfigurationWish& wish,
               FunctionVersion& version) const;
  // Holds the network while the functions change, when subnets are named.
  Status change_in_network(const std::optional<VpcWish>& vpc,
                           const std::function<Status(const std::string& vpc_id)>& change);
  Status edit(const std::string& name, const Edit& edit);
  Result<FunctionView> view_of(const FunctionEntry& entry, const FunctionVersion& version,
                               std::string arn) const;
  Result<FunctionVersion> publish_into(const PublishVersion& wish, const FunctionEntry& entry,
                                       BookChange& change) const;
  void finish_later(const std::string& name);
  void finish(const std::string& name);
  void retire(const std::string& name) const;
  void collect_code();
  void collect_code_later();
  Status check_destination(const BookState& state, const std::string& function,
                           const std::string& arn) const;
  bool uses(const std::function<bool(const FunctionVpc&)>& is_used) const;
  std::string arn(const std::string& name, std::string_view qualifier = {}) const;

  Needs needs_;
  Mutex code_mutex_;  // from unpacking to the commit: nobody removes code that is about to be used
};

// ResourceNotFoundException "Function not found: ARN".
Error no_such_function(const std::string& arn);

}  // namespace trivet::functions
