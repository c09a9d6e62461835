// Written by `npm run api-types` from the OpenAPI document. Do not edit.

export type Appeal = { id: string; case_id: string; decision_id: string; state: "pending" | "upheld" | "reduced" | "reversed"; text: string; created_at: string; first_look_due_at: string; first_look_at: string | null; decided_at: string | null; outcome_text: string | null; reviewer_note?: string | undefined }

export type AuditEvent = { seq: number; id: string; at: string; actor: { kind: string; id: string | null; name: string }; action: string; subject: { kind: string; id: string; name: string }; detail: Record<string, unknown>; request_id: string | null }

export type Case = { id: string; state: "open" | "decided" | "closed"; subject_kind: string; subject_id: string; source: string; opened_at: string; closed_at: string | null; account?: { id: string; name: string; email: string } | undefined; decisions: Decision[]; evidence: Evidence[] }

export type Decision = { id: string; kind: "warn" | "limit" | "suspend" | "close"; reason: string; reason_text: string; text: string; until: string | null; decided_at: string; decided_by_name?: string | undefined; ended_at: string | null; end_reason: string | null; still_works: string[]; appeal: Appeal | null; appeal_deadline: string; may_appeal: boolean }

export type Device = { id: string; name: string; kind: "browser" | "app"; current: boolean; address: string; place: Place; first_seen_at: string; last_seen_at: string; holds: { sessions: number; grants: ({ id: string; client_name: string; renews_until: string | null })[] } }

export type DeviceCodeEntryInput = { user_code: string }

export type DeviceDecisionInput = { user_code: string; decision: "allow" | "deny"; end_device_id?: string | undefined }

export type DeviceRequest = { client: { client_id: string; name: string; described_by: string | null; logo_uri: string | null; verified: boolean }; scopes: { name: string; title: string; description: string }[]; resource: { name: string; host: string } | null; account: { name: string; email: string }; address: string; place: Place; same_network: boolean; requested_at: string; expires_at: string }

export type Evidence = { id: string; kind: string; summary: string; at: string; detail?: Record<string, unknown> | undefined }

export type HelpArticle = { slug: string; title: string; summary: string; body: string; related: string[] }

export type HelpEntry = { slug: string; title: string; summary: string }

export type NewOAuthAppInput = { name: string; redirect_uris?: string[] | undefined; post_logout_redirect_uris?: string[] | undefined; backchannel_logout_uri?: string | null | undefined; backchannel_logout_session_required?: boolean | undefined; grant_types?: ("authorization_code" | "refresh_token" | "client_credentials" | "urn:ietf:params:oauth:grant-type:device_code")[] | undefined; token_endpoint_auth_method?: "none" | "client_secret_basic" | "client_secret_post" | "private_key_jwt" | undefined; jwks?: { keys: Record<string, unknown>[] } | null | undefined; jwks_uri?: string | null | undefined; application_type?: "web" | "native" | undefined; scope?: string | undefined; legacy_confidential?: boolean | undefined; refresh_grace_seconds?: number | undefined; refresh_idle_seconds?: number | undefined; refresh_absolute_seconds?: number | undefined; id_token_signed_response_alg?: "ES256" | "RS256" | undefined; id_token_claims?: "with_scopes" | "minimal" | undefined; dpop_bound_access_tokens?: boolean | undefined; organization_id?: string | undefined }

export type OAuthApp = { client_id: string; name: string; redirect_uris: string[]; post_logout_redirect_uris: string[]; backchannel_logout_uri: string | null; backchannel_logout_session_required: boolean; grant_types: ("authorization_code" | "refresh_token" | "client_credentials" | "urn:ietf:params:oauth:grant-type:device_code")[]; token_endpoint_auth_method: "none" | "client_secret_basic" | "client_secret_post" | "private_key_jwt"; jwks: { keys: Record<string, unknown>[] } | null; jwks_uri: string | null; application_type: "web" | "native"; scope: string; legacy_confidential: boolean; refresh_grace_seconds: number; refresh_idle_seconds: number; refresh_absolute_seconds: number; id_token_signed_response_alg: "ES256" | "RS256"; id_token_claims: "with_scopes" | "minimal"; dpop_bound_access_tokens: boolean; logo_uri: string | null; secrets: ({ hint: string; created_at: string; expires_at: string | null; temporary: boolean })[]; created_at: string; last_used_at: string | null }

export type OAuthAppChangeInput = { name?: string | undefined; redirect_uris?: string[] | undefined; post_logout_redirect_uris?: string[] | undefined; backchannel_logout_uri?: string | null | undefined; backchannel_logout_session_required?: boolean | undefined; grant_types?: ("authorization_code" | "refresh_token" | "client_credentials" | "urn:ietf:params:oauth:grant-type:device_code")[] | undefined; token_endpoint_auth_method?: "none" | "client_secret_basic" | "client_secret_post" | "private_key_jwt" | undefined; jwks?: { keys: Record<string, unknown>[] } | null | undefined; jwks_uri?: string | null | undefined; application_type?: "web" | "native" | undefined; scope?: string | undefined; legacy_confidential?: boolean | undefined; refresh_grace_seconds?: number | undefined; refresh_idle_seconds?: number | undefined; refresh_absolute_seconds?: number | undefined; id_token_signed_response_alg?: "ES256" | "RS256" | undefined; id_token_claims?: "with_scopes" | "minimal" | undefined; dpop_bound_access_tokens?: boolean | undefined }

export type OAuthAppList = { items: OAuthApp[] }

export type OAuthAppWithSecret = { client_id: string; name: string; redirect_uris: string[]; post_logout_redirect_uris: string[]; backchannel_logout_uri: string | null; backchannel_logout_session_required: boolean; grant_types: ("authorization_code" | "refresh_token" | "client_credentials" | "urn:ietf:params:oauth:grant-type:device_code")[]; token_endpoint_auth_method: "none" | "client_secret_basic" | "client_secret_post" | "private_key_jwt"; jwks: { keys: Record<string, unknown>[] } | null; jwks_uri: string | null; application_type: "web" | "native"; scope: string; legacy_confidential: boolean; refresh_grace_seconds: number; refresh_idle_seconds: number; refresh_absolute_seconds: number; id_token_signed_response_alg: "ES256" | "RS256"; id_token_claims: "with_scopes" | "minimal"; dpop_bound_access_tokens: boolean; logo_uri: string | null; secrets: ({ hint: string; created_at: string; expires_at: string | null; temporary: boolean })[]; created_at: string; last_used_at: string | null; client_secret?: string | undefined }

export type OAuthDecisionAnswer = { redirect_to: string }

export type OAuthDecisionInput = { decision: "allow" | "deny" }

export type OAuthGrant = { id: string; client: { client_id: string; name: string; host: string; logo_uri: string | null }; scopes: string[]; resource: OAuthGrantResource | null; created_at: string; last_used_at: string | null }

export type OAuthGrantList = { items: OAuthGrant[] }

export type OAuthGrantResource = { name: string; host: string; scopes: Record<string, string> }

export type OAuthInspection = { redirect_uri: string; expires_at: string; client_secret?: string | undefined }

export type OAuthInspectionOpeningInput = { temporary_secret?: boolean | undefined; temporary_key?: Record<string, unknown> | undefined }

export type OAuthLogoAddress = { logo_uri: string }

export type OAuthLogoInput = { data: string }

export type OAuthLogout = { id: string; client: { client_id: string; name: string; redirect_host: string | null } | null; account: { name: string; email: string } | null; other_account: boolean; expires_at: string }

export type OAuthLogoutDecisionAnswer = { redirect_to: string | null }

export type OAuthLogoutDecisionInput = { decision: "sign_out" | "stay" }

export type OAuthLogoutDelivery = { id: string; at: string; state: "waiting" | "sending" | "sent" | "failed"; attempts: number; last_error: string | null; next_attempt_at: string | null; settled_at: string | null }

export type OAuthLogoutDeliveryList = { items: OAuthLogoutDelivery[] }

export type OAuthSecretRotationInput = { overlap_seconds?: number | undefined }

export type OAuthTransaction = { id: string; client: { client_id: string; name: string; logo_uri: string | null; redirect_host: string; described_by: string | null; verified: boolean; loopback: boolean }; scopes: { name: string; title: string; description: string }[]; resource: { name: string; host: string } | null; account: { name: string; email: string }; expires_at: string }

export type OperatorAccount = { id: string; name: string; email: string; email_verified: boolean; locale: "en" | "zh"; state: "unverified" | "active" | "limited" | "suspended" | "closed"; role: "operator" | "reviewer" | "auditor" | "support" | null; created_at: string }

export type OperatorAccountDetail = { account: OperatorAccount; keys_count: number; sessions_count: number; grants_count: number; spend_30d_micros: number; cases: Case[]; state_changes: ({ from: "unverified" | "active" | "limited" | "suspended" | "closed"; to: "unverified" | "active" | "limited" | "suspended" | "closed"; actor_id: string | null; reason: string; at: string })[] }

export type OperatorAppeal = { id: string; case_id: string; decision_id: string; state: "pending" | "upheld" | "reduced" | "reversed"; text: string; created_at: string; first_look_due_at: string; first_look_at: string | null; decided_at: string | null; outcome_text: string | null; reviewer_note?: string | undefined; overdue: boolean; account: { id: string; name: string; email: string } }

export type Place = { kind: "country" | "private" | "unknown"; country: string | null }

export type Operations = {
  'GET /api/account': {
    answer: { id: string; name: string; email: string; email_verified: boolean; locale: "en" | "zh"; state: "unverified" | "active" | "limited" | "suspended" | "closed"; role: "operator" | "reviewer" | "auditor" | "support" | null; created_at: string; organizations: ({ id: string; name: string; role: "owner" | "admin" | "member" })[] }
  }
  'PATCH /api/account': {
    body: { name?: string | undefined; locale?: "en" | "zh" | undefined }
    answer: { id: string; name: string; email: string; email_verified: boolean; locale: "en" | "zh"; state: "unverified" | "active" | "limited" | "suspended" | "closed"; role: "operator" | "reviewer" | "auditor" | "support" | null; created_at: string; organizations: ({ id: string; name: string; role: "owner" | "admin" | "member" })[] }
  }
  'DELETE /api/account': {
    body: { password: string }
    answer: undefined
  }
  'GET /api/account/export': {
    answer: Record<string, unknown>
  }
  'PUT /api/account/password': {
    body: { current: string; password: string }
    answer: undefined
  }
  'POST /api/account/revoke-all': {
    body: { keep_current?: boolean | undefined }
    answer: undefined
  }
  'POST /api/accounts': {
    body: { name: string; email: string; password: string; locale?: "en" | "zh" | undefined }
    answer: Record<string, never>
  }
  'POST /api/accounts/verify': {
    body: { email: string; code: string }
    answer: undefined
  }
  'POST /api/accounts/verify/resend': {
    body: { email: string }
    answer: Record<string, never>
  }
  'GET /api/appeals/{id}': {
    params: { id: string }
    answer: Appeal
  }
  'GET /api/apps': {
    answer: OAuthAppList
  }
  'POST /api/apps': {
    body: NewOAuthAppInput
    answer: OAuthAppWithSecret
  }
  'GET /api/apps/{client_id}': {
    params: { client_id: string }
    answer: OAuthApp
  }
  'PATCH /api/apps/{client_id}': {
    params: { client_id: string }
    body: OAuthAppChangeInput
    answer: OAuthApp
  }
  'DELETE /api/apps/{client_id}': {
    params: { client_id: string }
    answer: undefined
  }
  'POST /api/apps/{client_id}/inspection': {
    params: { client_id: string }
    body: OAuthInspectionOpeningInput
    answer: OAuthInspection
  }
  'DELETE /api/apps/{client_id}/inspection': {
    params: { client_id: string }
    answer: undefined
  }
  'PUT /api/apps/{client_id}/logo': {
    params: { client_id: string }
    body: OAuthLogoInput
    answer: OAuthLogoAddress
  }
  'DELETE /api/apps/{client_id}/logo': {
    params: { client_id: string }
    answer: undefined
  }
  'GET /api/apps/{client_id}/logout-deliveries': {
    params: { client_id: string }
    answer: OAuthLogoutDeliveryList
  }
  'POST /api/apps/{client_id}/secrets': {
    params: { client_id: string }
    body: OAuthSecretRotationInput
    answer: OAuthAppWithSecret
  }
  'GET /api/calls': {
    query?: { key_id?: string | undefined; cursor?: string | undefined; limit?: number | undefined }
    answer: { items: ({ request_id: string; at: string; model: string; endpoint: string; key_id: string; key_name: string | null; credential_kind: "key" | "token"; project_id: string | null; status: number; outcome: string; streamed: boolean; input_tokens: number; cached_input_tokens: number; output_tokens: number; estimated: boolean; cost_micros: number; first_byte_ms: number | null; duration_ms: number })[]; next_cursor?: string | undefined }
  }
  'GET /api/cases': {
    answer: { items: Case[] }
  }
  'GET /api/cases/{id}': {
    params: { id: string }
    answer: Case
  }
  'POST /api/cases/{id}/appeal': {
    params: { id: string }
    body: { text: string; decision_id?: string | undefined }
    answer: Appeal
  }
  'GET /api/console': {
    answer: { mode: "development" | "production"; origin: string; api_base: string; key_prefix: string; demo: boolean; account: { id: string; name: string; email: string; email_verified: boolean; locale: "en" | "zh"; state: "unverified" | "active" | "limited" | "suspended" | "closed"; role: "operator" | "reviewer" | "auditor" | "support" | null; created_at: string; organizations: ({ id: string; name: string; role: "owner" | "admin" | "member" })[] } | null; signed_out_reason: "signed_out_elsewhere" | "password_reset" | "password_changed" | "closed" | "revoked_all" | "revoked_by_operator" | "role_changed" | "not_me" | "device_limit" | "expired" | null }
  }
  'GET /api/devices': {
    answer: { items: Device[] }
  }
  'DELETE /api/devices': {
    answer: undefined
  }
  'POST /api/devices/not-me': {
    body: { token: string }
    answer: undefined
  }
  'DELETE /api/devices/{id}': {
    params: { id: string }
    answer: undefined
  }
  'GET /api/docs': {
    answer: undefined
  }
  'GET /api/grants': {
    answer: OAuthGrantList
  }
  'DELETE /api/grants/{id}': {
    params: { id: string }
    answer: undefined
  }
  'GET /api/help': {
    query?: { q?: string | undefined; locale?: "en" | "zh" | undefined }
    answer: { items: HelpEntry[] }
  }
  'GET /api/help/{slug}': {
    params: { slug: string }
    query?: { locale?: "en" | "zh" | undefined }
    answer: HelpArticle
  }
  'GET /api/keys/{id}': {
    params: { id: string }
    answer: { id: string; project_id: string; name: string; type: "live" | "test" | "svc"; hint: string; scopes: string[]; models: string[] | null; allowed_ips: string[] | null; limits: { requests_per_minute: number | null; tokens_per_minute: number | null; concurrency: number | null }; budget: { amount_micros: number; period: "total" | "day" | "month" } | null; declared_use: "server" | "team" | "ci" | "mobile" | "serverless" | null; state: "active" | "disabled" | "revoked"; state_reason: "owner" | "operator" | "leaked" | null; created_at: string; expires_at: string | null; last_used_at: string | null; created_by: { id: string; name: string } }
  }
  'PATCH /api/keys/{id}': {
    params: { id: string }
    body: { name?: string | undefined; scopes?: ("models:read" | "chat:read" | "chat:write" | "embeddings:write" | "images:write" | "audio:write" | "usage:read" | "keys:manage")[] | undefined; models?: string[] | null | undefined; allowed_ips?: string[] | null | undefined; expires_at?: string | null | undefined; declared_use?: "server" | "team" | "ci" | "mobile" | "serverless" | null | undefined; limits?: { requests_per_minute?: number | null | undefined; tokens_per_minute?: number | null | undefined; concurrency?: number | null | undefined } | null | undefined; budget?: { amount_micros: number; period: "total" | "day" | "month" } | null | undefined; state?: "active" | "disabled" | undefined }
    answer: { id: string; project_id: string; name: string; type: "live" | "test" | "svc"; hint: string; scopes: string[]; models: string[] | null; allowed_ips: string[] | null; limits: { requests_per_minute: number | null; tokens_per_minute: number | null; concurrency: number | null }; budget: { amount_micros: number; period: "total" | "day" | "month" } | null; declared_use: "server" | "team" | "ci" | "mobile" | "serverless" | null; state: "active" | "disabled" | "revoked"; state_reason: "owner" | "operator" | "leaked" | null; created_at: string; expires_at: string | null; last_used_at: string | null; created_by: { id: string; name: string } }
  }
  'DELETE /api/keys/{id}': {
    params: { id: string }
    answer: undefined
  }
  'POST /api/keys/{id}/rotate': {
    params: { id: string }
    body: { overlap_seconds?: number | undefined }
    answer: { id: string; project_id: string; name: string; type: "live" | "test" | "svc"; hint: string; scopes: string[]; models: string[] | null; allowed_ips: string[] | null; limits: { requests_per_minute: number | null; tokens_per_minute: number | null; concurrency: number | null }; budget: { amount_micros: number; period: "total" | "day" | "month" } | null; declared_use: "server" | "team" | "ci" | "mobile" | "serverless" | null; state: "active" | "disabled" | "revoked"; state_reason: "owner" | "operator" | "leaked" | null; created_at: string; expires_at: string | null; last_used_at: string | null; created_by: { id: string; name: string }; secret: string }
  }
  'GET /api/models': {
    answer: { items: ({ id: string; owned_by: string; prices: { input: number; cached_input: number; output: number } | null })[] }
  }
  'POST /api/oauth/device/claim': {
    body: DeviceCodeEntryInput
    answer: DeviceRequest
  }
  'POST /api/oauth/device/decision': {
    body: DeviceDecisionInput
    answer: undefined
  }
  'GET /api/oauth/logouts/{id}': {
    params: { id: string }
    answer: OAuthLogout
  }
  'POST /api/oauth/logouts/{id}/decision': {
    params: { id: string }
    body: OAuthLogoutDecisionInput
    answer: OAuthLogoutDecisionAnswer
  }
  'GET /api/oauth/transactions/{id}': {
    params: { id: string }
    answer: OAuthTransaction
  }
  'POST /api/oauth/transactions/{id}/decision': {
    params: { id: string }
    body: OAuthDecisionInput
    answer: OAuthDecisionAnswer
  }
  'GET /api/openapi.json': {
    answer: Record<string, unknown>
  }
  'GET /api/operator/accounts': {
    query?: { search?: string | undefined; state?: "unverified" | "active" | "limited" | "suspended" | "closed" | undefined; cursor?: string | undefined; limit?: number | undefined }
    answer: { items: OperatorAccount[]; next_cursor?: string | undefined }
  }
  'GET /api/operator/accounts/{id}': {
    params: { id: string }
    answer: OperatorAccountDetail
  }
  'POST /api/operator/accounts/{id}/decisions': {
    params: { id: string }
    body: { kind: "warn" | "limit" | "suspend" | "close"; reason: "policy_violation" | "bulk_registration" | "shared_key" | "leaked_key" | "api_abuse" | "payment_trouble" | "security_concern" | "other"; text?: string | undefined; until?: string | undefined; evidence?: ({ kind?: "note" | "signal" | "report" | undefined; summary: string; detail?: Record<string, unknown> | undefined })[] | undefined }
    answer: Case
  }
  'POST /api/operator/accounts/{id}/revoke-all': {
    params: { id: string }
    body: { note: string }
    answer: undefined
  }
  'POST /api/operator/accounts/{id}/role': {
    params: { id: string }
    body: { role: "operator" | "reviewer" | "auditor" | "support" | null }
    answer: OperatorAccount
  }
  'GET /api/operator/appeals': {
    query?: { state?: "pending" | "upheld" | "reduced" | "reversed" | undefined; limit?: number | undefined }
    answer: { items: OperatorAppeal[] }
  }
  'GET /api/operator/appeals/{id}': {
    params: { id: string }
    answer: { id: string; case_id: string; decision_id: string; state: "pending" | "upheld" | "reduced" | "reversed"; text: string; created_at: string; first_look_due_at: string; first_look_at: string | null; decided_at: string | null; outcome_text: string | null; reviewer_note?: string | undefined; overdue: boolean; account: { id: string; name: string; email: string }; case: Case }
  }
  'POST /api/operator/appeals/{id}/decision': {
    params: { id: string }
    body: { outcome: "uphold" | "reduce" | "reverse"; text: string }
    answer: OperatorAppeal
  }
  'GET /api/operator/audit': {
    query?: { subject?: string | undefined; cursor?: number | undefined; limit?: number | undefined }
    answer: { items: AuditEvent[]; next_cursor?: string | undefined }
  }
  'GET /api/operator/cases': {
    query?: { state?: "open" | "decided" | "closed" | undefined; cursor?: string | undefined; limit?: number | undefined }
    answer: { items: Case[]; next_cursor?: string | undefined }
  }
  'POST /api/operator/claim': {
    body: { token: string; name: string; email: string; password: string }
    answer: { id: string; name: string; email: string; email_verified: boolean; locale: "en" | "zh"; state: "unverified" | "active" | "limited" | "suspended" | "closed"; role: "operator" | "reviewer" | "auditor" | "support" | null; created_at: string; organizations: ({ id: string; name: string; role: "owner" | "admin" | "member" })[] }
  }
  'POST /api/operator/decisions/{id}/reverse': {
    params: { id: string }
    answer: Case
  }
  'GET /api/operator/health': {
    answer: { status: "ready" | "degraded" | "down" | "draining"; checks: ({ name: string; weight: "required" | "degrading"; ok: boolean; detail: string | null; duration_ms: number })[]; overdue_appeals: number; undelivered_logouts: number; node_version: string; uptime_seconds: number; mode: string; database: string; redis: boolean }
  }
  'GET /api/operator/upstreams': {
    answer: { items: ({ name: string; models: string[]; healthy: boolean; detail: string | null })[] }
  }
  'POST /api/password/forgot': {
    body: { email: string }
    answer: Record<string, never>
  }
  'POST /api/password/reset': {
    body: { email: string; code: string; password: string }
    answer: undefined
  }
  'POST /api/password/strength': {
    body: { password: string; name?: string | undefined; email?: string | undefined }
    answer: { score: number; acceptable: boolean; reason: string | null; message: string | null }
  }
  'GET /api/projects': {
    answer: { items: { id: string; organization_id: string; name: string; created_at: string }[] }
  }
  'POST /api/projects': {
    body: { name: string; organization_id?: string | undefined }
    answer: { id: string; organization_id: string; name: string; created_at: string }
  }
  'GET /api/projects/{project_id}/keys': {
    params: { project_id: string }
    query?: { cursor?: string | undefined; limit?: number | undefined }
    answer: { items: ({ id: string; project_id: string; name: string; type: "live" | "test" | "svc"; hint: string; scopes: string[]; models: string[] | null; allowed_ips: string[] | null; limits: { requests_per_minute: number | null; tokens_per_minute: number | null; concurrency: number | null }; budget: { amount_micros: number; period: "total" | "day" | "month" } | null; declared_use: "server" | "team" | "ci" | "mobile" | "serverless" | null; state: "active" | "disabled" | "revoked"; state_reason: "owner" | "operator" | "leaked" | null; created_at: string; expires_at: string | null; last_used_at: string | null; created_by: { id: string; name: string } })[]; next_cursor?: string | undefined }
  }
  'POST /api/projects/{project_id}/keys': {
    params: { project_id: string }
    body: { name: string; type?: "live" | "test" | "svc" | undefined; scopes?: ("models:read" | "chat:read" | "chat:write" | "embeddings:write" | "images:write" | "audio:write" | "usage:read" | "keys:manage")[] | undefined; models?: string[] | null | undefined; allowed_ips?: string[] | null | undefined; expires_at?: string | null | undefined; declared_use?: "server" | "team" | "ci" | "mobile" | "serverless" | null | undefined; limits?: { requests_per_minute?: number | null | undefined; tokens_per_minute?: number | null | undefined; concurrency?: number | null | undefined } | null | undefined; budget?: { amount_micros: number; period: "total" | "day" | "month" } | null | undefined }
    answer: { id: string; project_id: string; name: string; type: "live" | "test" | "svc"; hint: string; scopes: string[]; models: string[] | null; allowed_ips: string[] | null; limits: { requests_per_minute: number | null; tokens_per_minute: number | null; concurrency: number | null }; budget: { amount_micros: number; period: "total" | "day" | "month" } | null; declared_use: "server" | "team" | "ci" | "mobile" | "serverless" | null; state: "active" | "disabled" | "revoked"; state_reason: "owner" | "operator" | "leaked" | null; created_at: string; expires_at: string | null; last_used_at: string | null; created_by: { id: string; name: string }; secret: string }
  }
  'GET /api/sessions': {
    answer: { items: { id: string; current: boolean; device: { id: string; name: string }; address: string; place: Place; created_at: string; last_seen_at: string }[] }
  }
  'POST /api/sessions': {
    body: { email: string; password: string }
    answer: { id: string; name: string; email: string; email_verified: boolean; locale: "en" | "zh"; state: "unverified" | "active" | "limited" | "suspended" | "closed"; role: "operator" | "reviewer" | "auditor" | "support" | null; created_at: string; organizations: ({ id: string; name: string; role: "owner" | "admin" | "member" })[] }
  }
  'DELETE /api/sessions': {
    answer: undefined
  }
  'POST /api/sessions/continue': {
    body: { ticket: string; end_device_id: string }
    answer: { id: string; name: string; email: string; email_verified: boolean; locale: "en" | "zh"; state: "unverified" | "active" | "limited" | "suspended" | "closed"; role: "operator" | "reviewer" | "auditor" | "support" | null; created_at: string; organizations: ({ id: string; name: string; role: "owner" | "admin" | "member" })[] }
  }
  'POST /api/sessions/current/prove': {
    body: { password: string }
    answer: undefined
  }
  'DELETE /api/sessions/{id}': {
    params: { id: string }
    answer: undefined
  }
  'GET /api/usage': {
    query?: { from?: string | undefined; to?: string | undefined; group?: "day" | "model" | "key" | "project" | undefined }
    answer: { items: ({ requests: number; input_tokens: number; cached_input_tokens: number; output_tokens: number; cost_micros: number; day?: string | undefined; model?: string | undefined; key_id?: string | undefined; key_name?: string | null | undefined; project_id?: string | null | undefined })[]; total: { requests: number; input_tokens: number; cached_input_tokens: number; output_tokens: number; cost_micros: number } }
  }
  'GET /api/usage.csv': {
    query?: { from?: string | undefined; to?: string | undefined; group?: "day" | "model" | "key" | "project" | undefined }
    answer: undefined
  }
  'GET /dev/outbox': {
    answer: ({ to: string; kind: string; subject: string; text: string; code?: string | undefined; link?: string | undefined; at: string })[]
  }
}
