// SPDX-License-Identifier: Apache-2.0
#include "service/loss_preview.h"

#include <algorithm>

namespace trivet::service {

std::vector<LossPreview::Offer> weigh_offers(const std::vector<Holding>& offers,
                                             const std::vector<Holding>& reported) {
  gtid::GtidSet all;
  for (const auto* holdings : {&offers, &reported}) {
    for (const Holding& one : *holdings) {
      all.add(one.held);
    }
  }
  std::vector<LossPreview::Offer> out;
  for (const Holding& offer : offers) {
    gtid::GtidSet lacks = all;
    lacks.subtract(offer.held);
    out.push_back({offer.member, offer.held, std::move(lacks)});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    const auto lacking_a = a.lacks.count();
    const auto lacking_b = b.lacks.count();
    return lacking_a != lacking_b ? lacking_a < lacking_b : a.member < b.member;
  });
  return out;
}

}  // namespace trivet::service
