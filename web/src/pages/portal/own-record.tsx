// What is kept of the person who looks: who they are, their devices, their groups.

import { useQuery } from 'urql';
import { OwnRecordDocument, type OwnRecordQuery } from '../../gql/graphql.ts';
import { Skeleton } from '../../parts/skeleton.tsx';
import { Empty, Failed } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';
import { words } from '../../texts/portal.ts';
import { texts } from '../../texts.ts';
import { useTitle } from '../../title.ts';
import { CompliancePill } from '../company/records/state-pill.tsx';

type Person = NonNullable<OwnRecordQuery['viewer']['contact']>;
type Device = Person['assets']['edges'][number]['node'];

export function OwnRecord() {
  const [{ data, error }, ask] = useQuery({ query: OwnRecordDocument });
  useTitle([words.record]);
  if (error && !data) return <Failed error={error} retry={() => ask({ requestPolicy: 'network-only' })} />;
  if (!data)
    return (
      <div aria-busy="true">
        <Skeleton className="skeleton-title" />
        <Skeleton className="skeleton-card" />
        <Skeleton className="skeleton-card" />
      </div>
    );
  const person = data.viewer.contact;
  if (!person) return <Empty title={words.nobody}>{words.nobodyText}</Empty>;
  return (
    <div className="portal">
      <header className="portal-head">
        <p className="quiet">{person.company.name}</p>
        <h1>{words.hello(person.displayName ?? person.userPrincipalName ?? '')}</h1>
        <p className="quiet">{words.yours}</p>
      </header>
      <About person={person} />
      <Devices person={person} />
      <Groups person={person} />
      <p className="quiet small">{words.wrong}</p>
    </div>
  );
}

function About({ person }: { person: Person }) {
  const { fields } = texts;
  const facts: [string, string | null][] = [
    [fields.mail, person.mail],
    [fields.userPrincipalName, person.userPrincipalName],
    [fields.jobTitle, person.jobTitle],
    [fields.department, person.department],
    [fields.phone, person.businessPhones.join(', ')],
    [fields.mobilePhone, person.mobilePhone],
  ];
  return (
    <section className="card portal-part" aria-labelledby="about-you">
      <h2 id="about-you">{words.record}</h2>
      <dl className="facts">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value || texts.common.nothing}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Devices({ person }: { person: Person }) {
  const { edges, totalCount } = person.assets;
  return (
    <section className="card portal-part" aria-labelledby="your-devices">
      <h2 id="your-devices">{words.devices}</h2>
      {totalCount === 0 ? (
        <Empty title={words.noDevices}>{words.noDevicesText}</Empty>
      ) : (
        <ul className="portal-devices">
          {edges.map(({ node }) => (
            <DeviceRow key={node.id} device={node} />
          ))}
          {totalCount > edges.length && <li className="quiet">{texts.record.andMore(totalCount - edges.length)}</li>}
        </ul>
      )}
    </section>
  );
}

function DeviceRow({ device }: { device: Device }) {
  const system = [device.operatingSystem, device.osVersion].filter(Boolean).join(' ');
  const made = [device.manufacturer, device.model].filter(Boolean).join(' ');
  return (
    <li>
      <div className="portal-device">
        <strong>{device.hostname ?? texts.record.nameless}</strong>
        <CompliancePill state={device.complianceState} />
      </div>
      <p className="quiet">{[made, system].filter(Boolean).join(' · ')}</p>
      <p className="quiet small">
        {device.serialNumber && `${words.serial} ${device.serialNumber} · `}
        {device.isEncrypted !== null && `${device.isEncrypted ? words.encrypted : words.notEncrypted} · `}
        {device.lastCheckInAt && (
          <>
            {words.checkedIn} <Time at={device.lastCheckInAt} as="relative" />
          </>
        )}
      </p>
    </li>
  );
}

function Groups({ person }: { person: Person }) {
  const { edges, totalCount } = person.groups;
  return (
    <section className="card portal-part" aria-labelledby="your-groups">
      <h2 id="your-groups">{words.groups}</h2>
      {totalCount === 0 ? (
        <p className="quiet">{words.noGroups}</p>
      ) : (
        <ul className="portal-groups">
          {edges.map(({ node }) => (
            <li key={node.id} className="pill">
              {node.displayName ?? texts.record.nameless}
            </li>
          ))}
          {totalCount > edges.length && <li className="quiet">{texts.record.andMore(totalCount - edges.length)}</li>}
        </ul>
      )}
    </section>
  );
}
