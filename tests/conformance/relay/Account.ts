// The pages of one's own account: sessions that end, and a wishlist.
import { graphql } from 'relay-runtime';

export const me = graphql`
  query AccountQuery($count: Int!, $cursor: String) {
    viewer {
      name
      email
      emailVerified
      ...Account_sessions
      wishlist(first: $count, after: $cursor) @connection(key: "Account_wishlist") {
        edges {
          node {
            id
            viewerHasWishlisted
            ...Catalogue_card
          }
        }
      }
    }
  }
`;

export const sessions = graphql`
  fragment Account_sessions on Viewer {
    sessions {
      id
      createdAt
      lastSeenAt
      address
      client
      current
    }
  }
`;

export const endSession = graphql`
  mutation AccountEndSessionMutation($input: EndSessionInput!) {
    endSession(input: $input) {
      viewer {
        ...Account_sessions
      }
      errors {
        ...Account_problem
      }
    }
  }
`;

export const changeEmail = graphql`
  mutation AccountChangeEmailMutation($input: ChangeEmailInput!) {
    changeEmail(input: $input) {
      viewer {
        email
      }
      errors {
        ...Account_problem
      }
    }
  }
`;

export const verifyEmail = graphql`
  mutation AccountVerifyEmailMutation($input: VerifyEmailInput!) {
    verifyEmail(input: $input) {
      viewer {
        email
        emailVerified
      }
      errors {
        ...Account_problem
      }
    }
  }
`;

export const problem = graphql`
  fragment Account_problem on UserError {
    path
    message
    reason
    params
    retryAfter
  }
`;
