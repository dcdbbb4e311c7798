// SPDX-License-Identifier: Apache-2.0
//
// The one plugin_dir that mysqld looks into, holding the engine's plugins that members need and our
// own, which comes with Trivet and not with the engine.
//
// Plugins are loaded by my.cnf, never by INSTALL PLUGIN: then no row of mysql.plugin decides
// whether a member checks logins and replicates semi-synchronously, a copied or cloned data
// directory carries nothing about them, a newer plugin comes with the next start, and nobody who
// logs in can take one away (FORCE_PLUS_PERMANENT), while a server that cannot load one refuses to
// start.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapter/engine/engine.h"
#include "base/result.h"

namespace trivet::engine {

inline constexpr std::string_view kAuthenticationPlugin = "AWSAuthenticationPlugin";

// Makes engine.plugins_folder() right and returns it: hard links (or copies) of the engine's
// plugins, and a copy of `our_plugin` (…/AWSAuthenticationPlugin.so), each put in place by a
// rename, so that running servers keep what they loaded. Called when the daemon starts; does little
// when nothing changed. Errors: kNotFound when one of them is missing.
Result<std::string> prepare_plugin_dir(const Engine& engine, const std::string& our_plugin);

// Lines for the [mysqld] section of a member: load all five plugins, for good. plugin_dir is not
// among them.
std::vector<std::string> plugin_settings();

}  // namespace trivet::engine
