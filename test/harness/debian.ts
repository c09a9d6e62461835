import { existsSync } from 'node:fs'

/** What the witnesses from Debian need; each names what to install. `scripts/test.ts` says what is missing. */
const needed = {
  authlib: {
    packages: 'python3-authlib python3-requests',
    here: () => existsSync('/usr/lib/python3/dist-packages/authlib'),
  },
  flask: {
    packages: 'python3-flask',
    here: () => existsSync('/usr/lib/python3/dist-packages/flask'),
  },
  shells: {
    packages: 'zsh fish',
    here: () => existsSync('/usr/bin/zsh') && existsSync('/usr/bin/fish'),
  },
  apache: {
    packages: 'apache2 libapache2-mod-auth-openidc',
    here: () => existsSync('/usr/lib/apache2/modules/mod_auth_openidc.so'),
  },
  oidcAgent: {
    packages: 'oidc-agent-cli',
    here: () => existsSync('/usr/bin/oidc-agent'),
  },
}

/** A reason to skip, or false. */
export const without = (what: keyof typeof needed): string | false =>
  needed[what].here() ? false : `not installed: ${needed[what].packages}`

export const debianMissing = (): string[] =>
  Object.values(needed).flatMap(({ packages, here }) => (here() ? [] : [packages]))
