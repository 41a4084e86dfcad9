// Ends the connection to the tenant. What was synced is kept, and it may be connected again.

import { useState } from 'react';
import { useMutation } from 'urql';
import { DisconnectDocument } from '../../gql/graphql.ts';
import { words } from '../../texts/settings.ts';
import { useCompany } from '../company/context.ts';
import { Confirm } from './confirm.tsx';
import { Section } from './section.tsx';
import { useDeed } from './use-deed.ts';

const say = words.disconnection;

export function Disconnect() {
  const { company, may } = useCompany();
  const [asking, setAsking] = useState(false);
  const connected = company.tenant?.status === 'CONNECTED' || company.tenant?.status === 'RECONNECT_NEEDED';
  if (!connected || !may('DISCONNECT')) return null;
  return (
    <Section title={say.title} text={say.text}>
      <div>
        <button type="button" className="button danger" onClick={() => setAsking(true)}>
          {say.open}
        </button>
      </div>
      {asking && <Question onClose={() => setAsking(false)} />}
    </Section>
  );
}

function Question({ onClose }: { onClose(): void }) {
  const { company, refresh } = useCompany();
  const [, disconnect] = useMutation(DisconnectDocument);
  const { busy, refused, attempt } = useDeed();
  const go = async () => {
    const payload = await attempt(async () => {
      const { data, error } = await disconnect({ company: company.id });
      return { error, payload: data?.disconnect };
    });
    if (!payload) return;
    onClose();
    refresh();
  };
  return (
    <Confirm
      title={say.question(company.name)}
      text={say.explain}
      deed={say.do}
      busy={busy}
      refused={refused}
      onDo={go}
      onClose={onClose}
    />
  );
}
