// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace trivet {
// std::visit(Overloaded{[](A) {…}, [](B) {…}}, variant).
template <typename... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;
}  // namespace trivet
