import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { Confirm } from '../../design/confirm.tsx'
import { Select } from '../../design/field.tsx'
import { toast } from '../../design/toast.tsx'
import { useLanguage } from '../../messages/messages.tsx'
import { type OperatorAccount, operatorKey } from './queries.ts'

const roles = ['operator', 'reviewer', 'auditor', 'support'] as const

export function ChangeRole(props: { of: OperatorAccount; onClose(): void }) {
  const { m } = useLanguage()
  const queryClient = useQueryClient()
  const [role, setRole] = useState<OperatorAccount['role']>(props.of.role)
  const change = useMutation({
    mutationFn: () =>
      call('POST /api/operator/accounts/{id}/role', {
        params: { id: props.of.id },
        body: { role },
      }),
    onSuccess: async () => {
      toast(m.accounts.roleDone)
      await queryClient.invalidateQueries({ queryKey: operatorKey })
      props.onClose()
    },
  })
  const words = m.accounts
  return (
    <Confirm
      open
      onClose={props.onClose}
      title={words.roleTitle}
      consequence={words.roleText}
      action={words.roleAction}
      busy={change.isPending}
      error={change.error}
      onConfirm={() => change.mutate()}
    >
      <Select
        label={words.role}
        value={role ?? ''}
        onChange={(event) => setRole(roles.find((one) => one === event.target.value) ?? null)}
      >
        <option value="">{words.noRole}</option>
        {roles.map((one) => (
          <option key={one} value={one}>
            {words.roles[one]}
          </option>
        ))}
      </Select>
    </Confirm>
  )
}
