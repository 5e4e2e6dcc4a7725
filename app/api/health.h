/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "broadcast/health.h"

G_BEGIN_DECLS

/* adds the member `health`; @health: (nullable): null while nothing runs */
void weir_api_add_health (GString *json, const WeirBroadcastHealth *health);

G_END_DECLS
