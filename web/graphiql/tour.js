// The prepared operations, in the order in which one meets them. Each stands in a tab of its own.

const company = JSON.stringify({ companyId: 'an id from the tab "Companies"' }, null, 2);

export const tour = [
  {
    query: `# Who am I?
query Viewer {
  viewer {
    name
    kind
    role
    actions
  }
}
`,
  },
  {
    query: `# The companies, and how each stands with its Microsoft 365 tenant.
query Companies {
  companies(first: 25) {
    edges {
      node {
        id
        name
        tenant {
          status
          displayName
          domain
        }
        nextSyncAt(kind: IDENTITY)
      }
    }
  }
}
`,
  },
  {
    query: `# A link that connects a company's tenant: for you, or for the client's administrator.
# Copy it, and start the next tab before you open it in another window.
mutation Connect($companyId: ID!) {
  connect(input: { companyId: $companyId, returnTo: "/" }) {
    consentUrl
    userErrors {
      code
      message
    }
  }
}
`,
    variables: company,
  },
  {
    query: `# Watch its syncs. Start this and stay: leaving the tab ends it. Then open the consentUrl in another window,
# or sync from there.
subscription SyncStatus($companyId: ID!) {
  syncStatus(companyId: $companyId) {
    status
    message
    progress
    counts {
      kind
      read
      created
      updated
      deactivated
      held
    }
    failure {
      code
      message
      remedy
    }
  }
}
`,
    variables: company,
  },
  {
    query: `# Sync now, or join the sync that is under way.
mutation SyncCompany($companyId: ID!) {
  syncCompany(input: { companyId: $companyId }) {
    joined
    syncRun {
      id
      status
      message
    }
    userErrors {
      code
      message
    }
  }
}
`,
    variables: company,
  },
  {
    query: `# The people of a company.
query Contacts($companyId: ID!) {
  contacts(companyId: $companyId, first: 25) {
    totalCount
    edges {
      node {
        displayName
        mail
        department
        jobTitle
        state
        accountEnabled
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
    variables: company,
  },
  {
    query: `# Its groups, with their members.
query Groups($companyId: ID!) {
  groups(companyId: $companyId, first: 10) {
    edges {
      node {
        displayName
        members(first: 10) {
          edges {
            node {
              __typename
              ... on Contact {
                displayName
              }
              ... on ContactGroup {
                displayName
              }
            }
          }
        }
      }
    }
  }
}
`,
    variables: company,
  },
  {
    query: `# Its devices, and whose they are.
query Assets($companyId: ID!) {
  assets(companyId: $companyId, first: 25) {
    edges {
      node {
        hostname
        operatingSystem
        osVersion
        complianceState
        contact {
          displayName
        }
      }
    }
  }
}
`,
    variables: company,
  },
  {
    query: `# Collect security evidence now; SyncStatus with kind EVIDENCE watches it. It also comes every six hours.
mutation CollectEvidence($companyId: ID!) {
  syncCompany(input: { companyId: $companyId, kind: EVIDENCE }) {
    joined
    syncRun {
      id
      status
      message
    }
    userErrors {
      code
      message
    }
  }
}
`,
    variables: company,
  },
  {
    query: `# What was found, how old it is, and who is not asked for a second factor.
query Evidence($companyId: ID!) {
  company(id: $companyId) {
    evidence {
      ageSeconds
      results(status: [FAIL, INDETERMINATE, NEEDS_REVIEW]) {
        check {
          title
          severity
        }
        status
        reason
        counts {
          population
          failed
        }
      }
      mfaCoverage {
        status
        counts {
          population
          passed
          failed
        }
        findings(first: 25) {
          edges {
            node {
              name
              because
              openedAt
            }
          }
        }
      }
      policies(first: 25) {
        edges {
          node {
            name
            state
            since
          }
        }
      }
      devices(notComplianceState: "compliant", first: 25) {
        totalCount
        edges {
          node {
            name
            state
            since
          }
        }
      }
    }
  }
}
`,
    variables: company,
  },
  {
    query: `# Who did what, and who was refused.
query AuditEvents {
  auditEvents(first: 25) {
    edges {
      node {
        at
        actorKind
        actorName
        action
        outcome
        reason
      }
    }
  }
}
`,
  },
  {
    query: `# Disconnect: syncs stop, records are kept.
mutation Disconnect($companyId: ID!) {
  disconnect(input: { companyId: $companyId }) {
    company {
      name
      tenant {
        status
      }
    }
    userErrors {
      code
      message
    }
  }
}
`,
    variables: company,
  },
];
