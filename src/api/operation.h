// SPDX-License-Identifier: Apache-2.0
//
// What ties a request shape to its action: Operation<rds::CreateDBClusterRequest> is specialised by
// the generated headers api/shapes/<service>.h, and action.h builds an Action from it.
#pragma once

namespace trivet::api {

// Each specialisation has: Response (the response shape), kAction (AWS's name), service(), and for
// a service of the Query protocol kHasResult (does the answer have a Result element?) and
// parse(const QueryParams&) → Result<Request>, for one that speaks JSON
// parse(const JsonRequest&) → Result<Request> and answer(const Response&) → JsonAnswer.
template <typename Request>
struct Operation;

}  // namespace trivet::api
