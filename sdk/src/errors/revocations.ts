import type { Revocation } from '../credentials/credential.ts'
import type { Locale, Words } from './messages.ts'

const en: Record<Revocation, Words> = {
  signed_out: {
    happened: '“{account}” signed out at the provider, and this app was signed out with it.',
    next: 'Sign in again.',
  },
  signed_out_elsewhere: {
    happened: 'The device that “{account}” signed in on was signed out from another device.',
    next: 'Sign in again. If you did not do that, change the password of the account.',
  },
  device_limit: {
    happened:
      '“{account}” signed in on one device more than allowed; this one had not been used for the longest time.',
    next: 'Sign in again, and sign out the devices you no longer use.',
  },
  not_me: {
    happened: 'The sign-in of “{account}” was reported by the owner of the account as not theirs.',
    next: 'If the account is yours, choose a new password, then sign in again.',
  },
  password_changed: {
    happened: 'The password of “{account}” was changed, which ended the sign-ins made before.',
    next: 'Sign in again with the new password. If you did not change it, reset it now.',
  },
  password_reset: {
    happened: 'The password of “{account}” was reset, which ended all sign-ins.',
    next: 'Sign in again with the new password. If you did not reset it, do so now.',
  },
  revoked_all: {
    happened: '“{account}” was signed out everywhere by its owner.',
    next: 'Sign in again.',
  },
  revoked_by_operator: {
    happened: 'An operator signed “{account}” out everywhere, to keep the account safe.',
    next: 'Sign in again. If you do not know why, ask the operator of the provider.',
  },
  access_removed: {
    happened: '“{account}” took back what this app was allowed.',
    next: 'Sign in again and allow it, if the app is still wanted.',
  },
  client_request: {
    happened: 'This app, or another one with its credentials, signed “{account}” out.',
    next: 'Sign in again.',
  },
  code_reused: {
    happened:
      'The provider ended the sign-in of “{account}” because its authorization code came a second time.',
    next: 'Sign in again. If it happens again, something on this machine may be reading the browser’s addresses.',
  },
  token_reused: {
    happened:
      'The provider ended the sign-in of “{account}” because its refresh token was used twice.',
    next: 'Sign in again. If another program uses a copy of these credentials, let both use one store, or sign each in on its own.',
  },
  closed: {
    happened: 'The account “{account}” was closed.',
    next: 'Sign in with another account.',
  },
}

const zh: Record<Revocation, Words> = {
  signed_out: {
    happened: '“{account}”已在服务方退出登录，本应用随之退出。',
    next: '请重新登录。',
  },
  signed_out_elsewhere: {
    happened: '“{account}”登录所用的设备已被另一台设备退出登录。',
    next: '请重新登录。如果不是您本人所为，请更改账户密码。',
  },
  device_limit: {
    happened: '“{account}”登录的设备超出上限，而此设备最久未使用。',
    next: '请重新登录，并退出不再使用的设备。',
  },
  not_me: {
    happened: '账户所有者报告“{account}”的这次登录并非本人所为。',
    next: '如果账户属于您，请先设置新密码，再重新登录。',
  },
  password_changed: {
    happened: '“{account}”的密码已更改，此前的登录已全部终止。',
    next: '请使用新密码重新登录。如果不是您更改的，请立即重置密码。',
  },
  password_reset: {
    happened: '“{account}”的密码已重置，所有登录均已终止。',
    next: '请使用新密码重新登录。如果不是您重置的，请立即自行重置。',
  },
  revoked_all: {
    happened: '“{account}”已由其所有者在所有设备上退出登录。',
    next: '请重新登录。',
  },
  revoked_by_operator: {
    happened: '为保护账户，管理员已将“{account}”在所有设备上退出登录。',
    next: '请重新登录。如果不清楚原因，请联系服务方管理员。',
  },
  access_removed: {
    happened: '“{account}”已收回对本应用的授权。',
    next: '如果仍要使用本应用，请重新登录并授权。',
  },
  client_request: {
    happened: '本应用，或持有其凭据的另一个程序，已让“{account}”退出登录。',
    next: '请重新登录。',
  },
  code_reused: {
    happened: '“{account}”的授权码被再次提交，服务方已终止这次登录。',
    next: '请重新登录。如果再次发生，可能有程序在读取本机浏览器的地址。',
  },
  token_reused: {
    happened: '“{account}”的刷新令牌被使用了两次，服务方已终止这次登录。',
    next: '请重新登录。如果另一个程序在使用同一份凭据的副本，请让它们共用同一个存储，或分别登录。',
  },
  closed: {
    happened: '账户“{account}”已关闭。',
    next: '请使用其他账户登录。',
  },
}

/** What is said instead of `sign_in_revoked` where the provider tells what ended the sign-in. */
export const revokedWords: Record<Locale, Record<Revocation, Words>> = { en, zh }
