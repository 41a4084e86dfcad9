// One record, beside the list: what it is, where each field came from, and why it stands as it does.

import type { ReactNode } from 'react';
import { RecordDocument, type RecordQuery } from '../../../gql/graphql.ts';
import { Copy } from '../../../parts/copy.tsx';
import { Dialog } from '../../../parts/dialog.tsx';
import { Skeleton } from '../../../parts/skeleton.tsx';
import { Behind, Empty, Failed } from '../../../parts/states.tsx';
import { Time } from '../../../parts/time.tsx';
import { useAsked } from '../../../parts/use-asked.ts';
import { closePanel, useSearch } from '../../../router.tsx';
import { texts } from '../../../texts.ts';
import { useCompany } from '../context.ts';
import { History } from './history.tsx';
import { origins } from './origins.ts';
import { RecordLink, Related } from './related.tsx';
import { CompliancePill, StatePill } from './state-pill.tsx';

type Record = NonNullable<RecordQuery['node']>;
type Of<Type extends Record['__typename']> = Extract<Record, { __typename: Type }>;

/** The record that the address names. */
export function RecordPanel() {
  const [search] = useSearch();
  const id = search.get('record');
  if (!id) return null;
  return <Panel id={id} />;
}

/** One dialog, also from record to record: the browser gives the focus back to where the first was opened. */
function Panel({ id }: { id: string }) {
  const { sync } = useCompany();
  const { data: kept, outdated, error, behind, retry } = useAsked(RecordDocument, { id }, sync.revision);
  const data = outdated ? undefined : kept;
  const record = data?.node;
  return (
    <Dialog
      title={record ? nameOf(record) : texts.record.loading}
      onClose={() => closePanel('record')}
      place="side"
      subject={data && id}
    >
      {error ? (
        <Failed error={error} retry={retry} />
      ) : record ? (
        <>
          {behind && <Behind error={behind} retry={retry} />}
          <Content key={id} record={record} />
          <History key={id} record={id} />
        </>
      ) : data ? (
        <Empty title={texts.notFound.title}>{texts.notFound.text}</Empty>
      ) : (
        <Skeleton className="skeleton-rows" />
      )}
    </Dialog>
  );
}

function nameOf(record: Record): string {
  const name = record.__typename === 'Asset' ? record.hostname : 'displayName' in record ? record.displayName : null;
  return name ?? texts.record.nameless;
}

function Content({ record }: { record: Record }) {
  switch (record.__typename) {
    case 'Contact':
      return <Contact contact={record} />;
    case 'ContactGroup':
      return <Group group={record} />;
    case 'Asset':
      return <Asset asset={record} />;
    default:
      return <Empty title={texts.notFound.title} />;
  }
}

interface FactProps {
  label: string;
  origin?: string;
  /** What is copied; no button where there is nothing. */
  copied?: string | null | undefined;
  children: ReactNode;
}

/** A field, its value, and the property of Microsoft Graph that it was read from. */
function Fact({ label, origin, copied, children }: FactProps) {
  return (
    <>
      <dt>{label}</dt>
      <dd className="fact">
        <span className="fact-value">
          {children}
          {copied && <Copy text={copied} label={`${texts.common.copy}: ${label}`} />}
        </span>
        {origin && <span className="origin">{origin}</span>}
      </dd>
    </>
  );
}

function TextFact({ label, origin, value }: { label: string; origin: string; value: string | null | undefined }) {
  return (
    <Fact label={label} origin={origin} copied={value}>
      {value || texts.common.nothing}
    </Fact>
  );
}

const yesOrNo = (value: boolean | null) =>
  value === null ? texts.common.nothing : value ? texts.common.yes : texts.common.no;

interface Standing {
  state: 'ACTIVE' | 'DEACTIVATED';
  createdAt: string;
  updatedAt: string;
}

/** Why the record stands as it does, and since when. */
function Why({ record, because }: { record: Standing; because: string }) {
  return (
    <section className="why">
      <p>{because}</p>
      <p className="quiet small">
        {texts.record.seenFirst} <Time at={record.createdAt} /> · {texts.record.changedLast}{' '}
        <Time at={record.updatedAt} />
      </p>
    </section>
  );
}

function Contact({ contact }: { contact: Of<'Contact'> }) {
  const from = origins.Contact;
  const { fields } = texts;
  const because =
    contact.state === 'ACTIVE'
      ? contact.accountEnabled === false
        ? texts.record.whyDisabled
        : texts.record.whyActive
      : texts.record.whyGone[contact.deactivatedBecause ?? 'LEFT'];
  return (
    <>
      <div>
        <StatePill row={contact} />
      </div>
      <Why record={contact} because={because} />
      <dl className="facts">
        <TextFact label={fields.mail} origin={from.mail} value={contact.mail} />
        <TextFact label={fields.userPrincipalName} origin={from.userPrincipalName} value={contact.userPrincipalName} />
        <TextFact label={fields.jobTitle} origin={from.jobTitle} value={contact.jobTitle} />
        <TextFact label={fields.department} origin={from.department} value={contact.department} />
        <TextFact label={fields.phone} origin={from.businessPhones} value={contact.businessPhones.join(', ')} />
        <TextFact label={fields.mobilePhone} origin={from.mobilePhone} value={contact.mobilePhone} />
        <Fact label={fields.userType} origin={from.userType}>
          {contact.userType ?? texts.common.nothing}
        </Fact>
        <Fact label={fields.accountEnabled} origin={from.accountEnabled}>
          {yesOrNo(contact.accountEnabled)}
        </Fact>
        <Fact label={fields.licensed} origin={from.licensed}>
          {yesOrNo(contact.licensed)}
        </Fact>
        <TextFact label={fields.entraId} origin={from.entraId} value={contact.entraId} />
      </dl>
      <Related
        title={texts.record.groups(contact.groups.totalCount)}
        record={contact.id}
        relation="groups"
        connection={contact.groups}
      />
      <Related
        title={texts.record.assets(contact.assets.totalCount)}
        record={contact.id}
        relation="assets"
        connection={contact.assets}
      />
    </>
  );
}

function Group({ group }: { group: Of<'ContactGroup'> }) {
  const from = origins.ContactGroup;
  const { fields } = texts;
  return (
    <>
      <Why record={group} because={group.state === 'ACTIVE' ? texts.record.whyActive : texts.record.whyGone.LEFT} />
      <dl className="facts">
        <Fact label={fields.kind} origin={from.kind}>
          {texts.record.groupKinds[group.groupKind]}
        </Fact>
        <TextFact label={fields.mail} origin={from.mail} value={group.mail} />
        <TextFact label={fields.description} origin={from.description} value={group.description} />
        <TextFact label={fields.entraId} origin={from.entraId} value={group.entraId} />
      </dl>
      <Related
        title={texts.record.members(group.members.totalCount)}
        record={group.id}
        relation="members"
        connection={group.members}
      />
      <Related
        title={texts.record.memberOf(group.memberOf.totalCount)}
        record={group.id}
        relation="memberOf"
        connection={group.memberOf}
      />
    </>
  );
}

function Asset({ asset }: { asset: Of<'Asset'> }) {
  const from = origins.Asset;
  const { fields } = texts;
  return (
    <>
      <div>
        <CompliancePill state={asset.complianceState} />
      </div>
      <Why record={asset} because={asset.state === 'ACTIVE' ? texts.record.whyActive : texts.record.whyGone.LEFT} />
      <dl className="facts">
        <Fact label={fields.contact} origin={from.contact}>
          {asset.contact ? <RecordLink id={asset.contact.id} name={asset.contact.displayName} /> : texts.record.shared}
        </Fact>
        <TextFact label={fields.operatingSystem} origin={from.operatingSystem} value={asset.operatingSystem} />
        <TextFact label={fields.osVersion} origin={from.osVersion} value={asset.osVersion} />
        <TextFact label={fields.manufacturer} origin={from.manufacturer} value={asset.manufacturer} />
        <TextFact label={fields.model} origin={from.model} value={asset.model} />
        <TextFact label={fields.serialNumber} origin={from.serialNumber} value={asset.serialNumber} />
        <Fact label={fields.isEncrypted} origin={from.isEncrypted}>
          {yesOrNo(asset.isEncrypted)}
        </Fact>
        <Fact label={fields.ownerType} origin={from.ownerType}>
          {asset.ownerType
            ? (texts.record.owners[asset.ownerType as keyof typeof texts.record.owners] ?? asset.ownerType)
            : texts.common.nothing}
        </Fact>
        <Fact label={fields.enrolledAt} origin={from.enrolledAt}>
          {asset.enrolledAt ? <Time at={asset.enrolledAt} /> : texts.common.nothing}
        </Fact>
        <Fact label={fields.lastCheckInAt} origin={from.lastCheckInAt}>
          {asset.lastCheckInAt ? <Time at={asset.lastCheckInAt} /> : texts.common.nothing}
        </Fact>
        <TextFact label={fields.deviceId} origin={from.entraId} value={asset.entraId} />
        <TextFact label={fields.azureAdDeviceId} origin={from.azureAdDeviceId} value={asset.azureAdDeviceId} />
      </dl>
    </>
  );
}
